/*
 * Case folding, and many words looked for in one pass.
 */
#include "base/fold.h"

/* --- case ----------------------------------------------------------------- */

static uint32_t
fold_latin(uint32_t c)
{
	if (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131)
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if (c >= 0x14a && c <= 0x177)
		return c | 1;
	return c == 0x178 ? 0xff : c == 0x17f ? 's' : c;
}

static uint32_t
fold_char(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c < 0x100)
		return c >= 0xc0 && c <= 0xde && c != 0xd7 ? c + 32 :
		    c == 0xb5 ? 0x3bc : c;
	if (c < 0x180)
		return fold_latin(c);
	if (c >= 0x391 && c <= 0x3ab && c != 0x3a2)
		return c + 32;
	if (c == 0x3c2)
		return 0x3c3;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	if (c >= 0x460 && c <= 0x481)
		return c | 1;
	if (c >= 0x531 && c <= 0x556)
		return c + 48;
	return c >= 0xff21 && c <= 0xff3a ? c + 32 : c;
}

/* Only two- and three-byte characters have a case here. */
static size_t
fold_long(const unsigned char *p, size_t n, char *to, size_t *used)
{
	uint32_t	 c;

	*used = 1;
	if (n >= 2 && (p[0] & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80) {
		c = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		*used = 2;
	} else if (n >= 3 && (p[0] & 0xf0) == 0xe0 &&
	    (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		c = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 |
		    (p[2] & 0x3fu);
		*used = 3;
	} else {
		to[0] = (char)p[0];
		return 1;
	}
	c = fold_char(c);
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 0x3f));
	to[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

#define EACH(byte)	(UINT64_C(0x0101010101010101) * (byte))

/* ASCII by eights: a sum's top bit tells the bytes from 'A', and behind 'Z', on. */
static size_t
fold_ascii(const unsigned char *p, size_t n, char *to)
{
	uint64_t	 w, upper;
	size_t		 i;

	for (i = 0; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if ((w & EACH(0x80)) != 0)
			break;
		upper = ((w + EACH(0x80 - 'A')) ^ (w + EACH(0x7f - 'Z'))) &
		    EACH(0x80);
		w |= upper >> 2;
		memcpy(to + i, &w, sizeof(w));
	}
	return i;
}

struct str
fold_case(struct arena *a, struct str s)
{
	const unsigned char	*p = (const unsigned char *)s.p;
	char			*to = arena_bytes(a, s.n + 4);
	size_t			 i, n = 0, used;

	for (i = 0; i < s.n; i += used) {
		if ((used = fold_ascii(p + i, s.n - i, to + n)) > 0) {
			n += used;
			continue;
		}
		used = 1;
		if (p[i] < 0x80)
			to[n++] = (char)fold_char(p[i]);
		else
			n += fold_long(p + i, s.n - i, to + n, &used);
	}
	to[n] = '\0';
	return (struct str){ to, n };
}

/* --- words ---------------------------------------------------------------- */

struct node {
	uint32_t	 fail;		/* longest proper suffix that is one */
	uint32_t	 out;		/* nearest suffix that ends a word */
	uint32_t	 parent;
	uint32_t	 word;		/* chain of words ending here, +1 */
	uint32_t	 child;		/* its first one */
	unsigned char	 byte;
	unsigned char	 child_byte;
	bool		 more;		/* it has others */
};

/*
 * Edges are a hash table of (node, byte): node 0 is the root, and no child.  Most
 * of a text is no word's beginning, and most nodes have one child: neither needs
 * the table.
 */
struct fold_words {
	struct node	*node;
	uint32_t	 nnodes;
	uint32_t	 root[256];	/* its children */
	uint32_t	*edge;		/* child, 0: free */
	uint32_t	 mask;
	uint32_t	*same;		/* by word: the next equal one, +1 */
};

static uint32_t
slot(const struct fold_words *w, uint32_t from, unsigned char byte)
{
	uint32_t	 h = (from * 257u + byte) * 2654435761u, c;

	for (h ^= h >> 15;; h++) {
		c = w->edge[h & w->mask];
		if (c == 0 || (w->node[c].parent == from &&
		    w->node[c].byte == byte))
			return h & w->mask;
	}
}

static uint32_t
node_new(struct fold_words *w, uint32_t parent, unsigned char byte)
{
	struct node	*p = &w->node[parent];
	uint32_t	 at = w->nnodes++;

	w->node[at].parent = parent;
	w->node[at].byte = byte;
	p->more = p->child != 0;
	if (p->child == 0) {
		p->child = at;
		p->child_byte = byte;
	}
	if (parent == 0)
		w->root[byte] = at;
	return at;
}

static void
insert(struct fold_words *w, struct str s, uint32_t word)
{
	uint32_t	 at = 0, e;
	size_t		 i;

	for (i = 0; i < s.n; i++) {
		e = slot(w, at, (unsigned char)s.p[i]);
		if (w->edge[e] == 0)
			w->edge[e] = node_new(w, at, (unsigned char)s.p[i]);
		at = w->edge[e];
	}
	w->same[word] = w->node[at].word;
	w->node[at].word = word + 1;
}

static inline uint32_t
child(const struct fold_words *w, uint32_t at, unsigned char byte)
{
	const struct node	*p = &w->node[at];

	if (p->child_byte == byte)
		return p->child;
	return p->more ? w->edge[slot(w, at, byte)] : 0;
}

static uint32_t
step(const struct fold_words *w, uint32_t at, unsigned char byte)
{
	uint32_t	 c;

	for (; at != 0; at = w->node[at].fail)
		if ((c = child(w, at, byte)) != 0)
			return c;
	return w->root[byte];
}

/*
 * Shortest first, so that a node's suffixes are linked before it.  Nodes are
 * numbered after their parents: one pass gives the depths.
 */
static void
link_all(struct fold_words *w, struct arena *a, size_t deepest)
{
	uint32_t	*d = arena_array(a, w->nnodes, sizeof(*d));
	uint32_t	*order = arena_array(a, w->nnodes, sizeof(*order));
	uint32_t	*at = arena_array(a, deepest + 2, sizeof(*at)), n, i;
	struct node	*p;

	for (n = 1; n < w->nnodes; n++) {
		d[n] = d[w->node[n].parent] + 1;
		at[d[n] + 1 > deepest ? deepest + 1 : d[n] + 1]++;
	}
	for (n = 1; n <= deepest; n++)
		at[n] += at[n - 1];
	for (n = 1; n < w->nnodes; n++)
		order[at[d[n]]++] = n;
	for (i = 0; i + 1 < w->nnodes; i++) {
		p = &w->node[order[i]];
		p->fail = p->parent == 0 ? 0 : step(w,
		    w->node[p->parent].fail, p->byte);
		p->out = w->node[p->fail].word != 0 ? p->fail :
		    w->node[p->fail].out;
	}
}

struct fold_words *
fold_words_new(struct arena *a, const struct str *words, unsigned n)
{
	struct fold_words	*w;
	size_t			 total = 1, deepest = 0;
	uint32_t		 size = 16;
	unsigned		 i;

	if (n == 0)
		return NULL;
	for (i = 0; i < n; i++) {
		total += words[i].n;
		if (words[i].n > deepest)
			deepest = words[i].n;
	}
	while (size < total * 2)
		size *= 2;
	w = arena_alloc(a, sizeof(*w));
	w->node = arena_array(a, total, sizeof(*w->node));
	w->edge = arena_array(a, size, sizeof(*w->edge));
	w->same = arena_array(a, n, sizeof(*w->same));
	w->mask = size - 1;
	w->nnodes = 1;
	for (i = 0; i < n; i++)
		insert(w, words[i], i);
	link_all(w, a, deepest);
	return w;
}

/* The words that end in this node. */
static unsigned
mark(const struct fold_words *w, uint32_t at, bool *found)
{
	uint32_t	 n, word;
	unsigned	 more = 0;

	for (n = w->node[at].word != 0 ? at : w->node[at].out; n != 0;
	    n = w->node[n].out) {
		word = w->node[n].word;
		if (found[word - 1])
			break;			/* its suffixes are known */
		for (; word != 0; word = w->same[word - 1], more++)
			found[word - 1] = true;
	}
	return more;
}

unsigned
fold_words_find(const struct fold_words *w, struct str text, bool *found)
{
	const unsigned char	*p = (const unsigned char *)text.p;
	uint32_t		 at = 0;
	unsigned		 more = 0;
	size_t			 i;

	for (i = 0; i < text.n; i++) {
		if (at == 0) {
			while (i < text.n && w->root[p[i]] == 0)
				i++;
			if (i == text.n)
				break;
			at = w->root[p[i]];
		} else
			at = step(w, at, p[i]);
		if (at != 0)
			more += mark(w, at, found);
	}
	return more;
}
