/*
 * Tables for people.
 */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/table.h"

#define GAP		2
#define SHRUNK_MIN	8		/* columns */
#define COLS_MAX	24
#define CELL_MAX	4096		/* bytes; longer ones are cut */
#define DOTS		"\xe2\x80\xa6"	/* U+2026 */

struct table {
	const struct column	*col;
	unsigned		 ncols;
	char			**cell;
	size_t			 n, cap;
};

/* --- text -------------------------------------------------------------------- */

/* The character at s, and how many bytes it has; s is not empty. */
static size_t
character(struct str s, wchar_t *c)
{
	const unsigned char	*p = (const unsigned char *)s.p;
	size_t			 n, i;

	if (p[0] < 0x80) {
		*c = (wchar_t)p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (n > s.n || !utf8_valid((struct str){ s.p, n })) {
		*c = -1;
		return 1;
	}
	*c = (wchar_t)(p[0] & (0xffu >> (n + 1)));
	for (i = 1; i < n; i++)
		*c = (wchar_t)(((unsigned long)*c << 6) | (p[i] & 0x3fu));
	return n;
}

/* glibc knows widths in a locale of UTF-8 only, and has one of its own. */
static int
width_of(wchar_t c)
{
	static int	 locale = -1;
	int		 n;

	if (locale == -1)
		locale = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
	if (c < 0x80 || !locale)
		return 1;
	n = wcwidth(c);
	return n < 0 ? 1 : n;
}

size_t
text_fit(struct str s, int columns, int *used)
{
	wchar_t	 c;
	size_t	 n, at = 0;
	int	 w;

	*used = 0;
	while (at < s.n) {
		n = character(str_skip(s, at), &c);
		w = width_of(c);
		if (*used + w > columns)
			break;
		*used += w;
		at += n;
	}
	return at;
}

int
text_width(struct str s)
{
	int	 used;

	(void)text_fit(s, INT32_MAX, &used);
	return used;
}

/* Marks that turn the direction of text would disturb a table as well. */
static bool
is_control(wchar_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

char *
text_safe(struct str s)
{
	struct buf	 b;
	wchar_t		 c;
	size_t		 n;

	buf_init(&b, s.n * 10 + 1);
	(void)buf_reserve(&b, 1);
	for (; s.n > 0; s = str_skip(s, n)) {
		n = character(s, &c);
		if (c == -1)
			(void)buf_addz(&b, "\xef\xbf\xbd");
		else if (c == '\n' || c == '\t')
			(void)buf_addc(&b, ' ');
		else if (is_control(c))
			(void)buf_addf(&b, c < 0x100 ? "\\x%02x" : "\\u%04x",
			    (unsigned)c);
		else
			(void)buf_add(&b, s.p, n);
	}
	b.data[b.len] = '\0';
	return b.data;
}

int
term_width(void)
{
	struct winsize	 ws;
	const char	*env = getenv("COLUMNS");
	int64_t		 n;

	if (env != NULL && str_to_int(str_of(env), 1, 100000, &n) == 0)
		return (int)n;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) ==
	    0 && ws.ws_col > 0)
		return ws.ws_col;
	return 0;
}

/* --- cells --------------------------------------------------------------------- */

struct table *
table_new(const struct column *cols)
{
	struct table	*t = calloc(1, sizeof(*t));

	must(t != NULL);
	t->col = cols;
	while (cols[t->ncols].name != NULL)
		t->ncols++;
	must(t->ncols <= COLS_MAX);
	return t;
}

void
table_free(struct table *t)
{
	size_t	 i;

	for (i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}

void
table_add(struct table *t, struct str s)
{
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 64;
		t->cell = reallocarray(t->cell, t->cap, sizeof(*t->cell));
		must(t->cell != NULL);
	}
	if (s.n > CELL_MAX)
		s.n = CELL_MAX;
	t->cell[t->n++] = text_safe(s);
}

void
table_addz(struct table *t, const char *s)
{
	table_add(t, str_of(s));
}

void
table_addf(struct table *t, const char *fmt, ...)
{
	char	 text[512];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_addz(t, text);
}

/* --- printed --------------------------------------------------------------------- */

static void
pad(int n)
{
	if (n > 0)
		printf("%*s", n, "");
}

/* In w columns, cut where it is longer. */
static void
put_cell(const char *text, int w, bool right, bool last)
{
	struct str	 s = str_of(text);
	int		 used;
	size_t		 n = text_fit(s, w, &used);

	if (n < s.n && w > 1) {
		n = text_fit(s, w - 1, &used);
		printf("%.*s" DOTS, (int)n, s.p);
		used++;
	} else {
		if (right)
			pad(w - used);
		printf("%.*s", (int)n, s.p);
		if (right)
			used = w;
	}
	if (!last)
		pad(w - used + GAP);
}

static int
widths(const struct table *t, int w[COLS_MAX])
{
	unsigned	 i;
	size_t		 k;
	int		 n, all = 0;

	for (i = 0; i < t->ncols; i++) {
		w[i] = text_width(str_of(t->col[i].name));
		for (k = i; k < t->n; k += t->ncols)
			if ((n = text_width(str_of(t->cell[k]))) > w[i])
				w[i] = n;
		all += w[i] + (i > 0 ? GAP : 0);
	}
	return all;
}

/* The widest that may goes first; false: it does not fit even so. */
static bool
shrink(const struct table *t, int w[COLS_MAX], int all, int room)
{
	unsigned	 i, wide;

	while (all > room) {
		wide = t->ncols;
		for (i = 0; i < t->ncols; i++)
			if (t->col[i].shrinks && w[i] > SHRUNK_MIN &&
			    (wide == t->ncols || w[i] > w[wide]))
				wide = i;
		if (wide == t->ncols)
			return false;
		w[wide]--;
		all--;
	}
	return true;
}

/* All cells as "name  value", an empty line between rows. */
void
table_print_pairs(const struct table *t)
{
	unsigned	 i;
	size_t		 k;
	int		 w = 0, n;

	for (i = 0; i < t->ncols; i++)
		if ((n = text_width(str_of(t->col[i].name))) > w)
			w = n;
	for (k = 0; k < t->n; k++) {
		i = (unsigned)(k % t->ncols);
		if (i == 0 && k > 0)
			printf("\n");
		put_cell(t->col[i].name, w, false, false);
		printf("%s\n", t->cell[k]);
	}
}

void
table_print(const struct table *t, const char *none)
{
	int		 w[COLS_MAX], room = term_width(), all;
	unsigned	 i;
	size_t		 k;

	if (t->n == 0) {
		printf("%s\n", none);
		return;
	}
	all = widths(t, w);
	if (room > 0 && all > room && !shrink(t, w, all, room)) {
		table_print_pairs(t);
		return;
	}
	for (i = 0; i < t->ncols; i++)
		put_cell(t->col[i].name, w[i], t->col[i].right,
		    i == t->ncols - 1);
	printf("\n");
	for (k = 0; k < t->n; k++) {
		i = (unsigned)(k % t->ncols);
		put_cell(t->cell[k], w[i], t->col[i].right,
		    i == t->ncols - 1);
		if (i == t->ncols - 1)
			printf("\n");
	}
}
