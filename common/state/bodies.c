/*
 * Captures on their way from a worker to the logger: one file each.
 *
 *	magic, struct head, request id, then for each body
 *	struct body_head, type, data, offsets
 *
 * Both ends are the same program on the same machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "state/bodies.h"
#include "state/store_sql.h"

#define MAGIC		0x50584331u
#define FILE_MAX	((size_t)512 << 20)
#define NAME_LEN	64

struct head {
	uint32_t	 magic;
	uint32_t	 n;
	int64_t		 time_us;
	uint32_t	 id;		/* lengths from here on */
};

struct body_head {
	int32_t		 side, attempt, status;
	uint32_t	 type, data, offsets;
	int64_t		 size;
};

const char *
body_side_name(enum body_side side)
{
	static const char *const names[BODY_SIDES] = {
		"client_request", "upstream_request", "upstream_response",
		"client_response"
	};

	return (unsigned)side < BODY_SIDES ? names[side] : "unknown";
}

/* --- offsets ------------------------------------------------------------------ */

static void
leb_add(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		(void)buf_addc(b, (char)(v | 0x80));
	(void)buf_addc(b, (char)v);
}

static bool
leb_next(struct str *s, uint64_t *v)
{
	unsigned	 shift = 0;
	unsigned char	 c;

	*v = 0;
	do {
		if (s->n == 0 || shift > 63)
			return false;
		c = (unsigned char)s->p[0];
		*s = str_skip(*s, 1);
		*v |= (uint64_t)(c & 0x7f) << shift;
		shift += 7;
	} while (c & 0x80);
	return true;
}

void
body_offset(struct buf *offsets, uint64_t bytes, uint64_t us)
{
	leb_add(offsets, bytes);
	leb_add(offsets, us);
}

bool
body_offset_next(struct str *offsets, uint64_t *bytes, uint64_t *us)
{
	return leb_next(offsets, bytes) && leb_next(offsets, us);
}

/* --- a file ------------------------------------------------------------------- */

static void
pack(const struct capture *c, struct buf *out)
{
	struct head		 h = { MAGIC, c->n, c->time_us,
				    (uint32_t)c->request_id.n };
	const struct body	*b;
	struct body_head	 bh;
	unsigned		 i;

	(void)buf_add(out, &h, sizeof(h));
	(void)buf_adds(out, c->request_id);
	for (i = 0; i < c->n; i++) {
		b = &c->body[i];
		memset(&bh, 0, sizeof(bh));
		bh.side = b->side;
		bh.attempt = b->attempt;
		bh.status = b->status;
		bh.size = b->size;
		bh.type = (uint32_t)b->type.n;
		bh.data = (uint32_t)b->data.n;
		bh.offsets = (uint32_t)b->offsets.n;
		(void)buf_add(out, &bh, sizeof(bh));
		(void)buf_adds(out, b->type);
		(void)buf_adds(out, b->data);
		(void)buf_adds(out, b->offsets);
	}
}

static bool
take(struct str *rest, size_t n, struct str *s)
{
	if (n > rest->n)
		return false;
	*s = (struct str){ rest->p, n };
	*rest = str_skip(*rest, n);
	return true;
}

/* Slices into rest. */
static bool
unpack(struct str rest, struct capture *c)
{
	struct body_head	 bh;
	struct head		 h;
	struct body		*b;
	struct str		 s;

	if (!take(&rest, sizeof(h), &s))
		return false;
	memcpy(&h, s.p, sizeof(h));
	if (h.magic != MAGIC || h.n > BODIES_MAX ||
	    !take(&rest, h.id, &c->request_id))
		return false;
	c->time_us = h.time_us;
	for (c->n = 0; c->n < h.n; c->n++) {
		if (!take(&rest, sizeof(bh), &s))
			return false;
		memcpy(&bh, s.p, sizeof(bh));
		b = &c->body[c->n];
		b->side = (enum body_side)bh.side;
		b->attempt = bh.attempt;
		b->status = bh.status;
		b->size = bh.size;
		if (!take(&rest, bh.type, &b->type) ||
		    !take(&rest, bh.data, &b->data) ||
		    !take(&rest, bh.offsets, &b->offsets))
			return false;
	}
	return true;
}

static int
write_all(int fd, struct str s)
{
	ssize_t	 n;

	while (s.n > 0) {
		if ((n = write(fd, s.p, s.n)) == -1 && errno != EINTR)
			return -1;
		s = str_skip(s, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

int
capture_save(const char *dir, const struct capture *c)
{
	char		 part[1300], path[1300];
	struct buf	 b;
	int		 fd, rc;

	if (c->request_id.n > NAME_LEN) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(part, sizeof(part), "%s/%.*s.part", dir,
	    STR_FMT(c->request_id));
	snprintf(path, sizeof(path), "%s/%.*s.cap", dir,
	    STR_FMT(c->request_id));
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 && errno == ENOENT && mkdir(dir, 0700) == 0)
		fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	buf_init(&b, FILE_MAX);
	pack(c, &b);
	rc = buf_ok(&b) ? write_all(fd, buf_str(&b)) : -1;
	buf_release(&b);
	if (close(fd) == -1 || rc == -1 || rename(part, path) == -1) {
		unlink(part);
		return -1;
	}
	return 0;
}

static int
file_read(const char *path, struct buf *b)
{
	struct stat	 st;
	ssize_t		 n;
	int		 fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    buf_reserve(b, (size_t)st.st_size) == -1) {
		close(fd);
		return -1;
	}
	while (b->len < (size_t)st.st_size) {
		n = read(fd, b->data + b->len, (size_t)st.st_size - b->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		b->len += (size_t)n;
	}
	close(fd);
	return b->len == (size_t)st.st_size ? 0 : -1;
}

/* --- the database --------------------------------------------------------------- */

struct store *
bodies_open(const char *path, enum store_open_mode mode, char *err,
    size_t errsize)
{
	return sql_open_file(path, STORE_BODIES, mode, err, errsize);
}

static int
put_body(struct store *s, int64_t id, const struct body *b)
{
	return sql_run(s, "INSERT OR REPLACE INTO sides (capture_id, side, "
	    "attempt, status, type, size, data, offsets) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "iiiisibb", id,
	    (int64_t)b->side, (int64_t)b->attempt, (int64_t)b->status,
	    b->type, b->size, b->data, b->offsets);
}

static int
put_capture(struct store *s, const struct capture *c)
{
	int64_t	 id, bytes = 0;
	unsigned i;

	for (i = 0; i < c->n; i++)
		bytes += (int64_t)(c->body[i].data.n + c->body[i].offsets.n);
	if (sql_begin(s) == -1)
		return -1;
	if (sql_get(s, &id, "INSERT OR REPLACE INTO captures (request_id, "
	    "time_us, bytes) VALUES (?, ?, ?) RETURNING id", "sii",
	    c->request_id, c->time_us, bytes) != 1)
		goto bad;
	for (i = 0; i < c->n; i++)
		if (put_body(s, id, &c->body[i]) == -1)
			goto bad;
	if (sql_commit(s) == 0)
		return 0;
bad:
	sql_rollback(s);
	return -1;
}

/* 0: it is in the database, or was none; -1: the database failed. */
static int
file_take(struct store *s, const char *path)
{
	struct capture	 c;
	struct buf	 b;
	int		 rc = 0;

	buf_init(&b, FILE_MAX);
	if (file_read(path, &b) == -1 || !unpack(buf_str(&b), &c))
		log_warnx("'%s' is no capture, and is removed", path);
	else
		rc = put_capture(s, &c);
	buf_release(&b);
	if (rc == 0)
		unlink(path);
	return rc;
}

int
captures_take(struct store *s, const char *dir, int n)
{
	const struct dirent	*e;
	char			 path[1600];
	DIR			*d;
	int			 done = 0;

	if ((d = opendir(dir)) == NULL)
		return errno == ENOENT ? 0 : store_fail(s, "cannot read '%s': "
		    "%s", dir, strerror(errno));
	while (done < n && (e = readdir(d)) != NULL) {
		if (!str_ends(str_of(e->d_name), ".cap"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (file_take(s, path) == -1) {
			closedir(d);
			return -1;
		}
		done++;
	}
	closedir(d);
	return done;
}

int
bodies_of(struct store *s, struct str request_id,
    void (*cb)(void *, const struct body *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct body		 b;
	int			 rc, n = 0;

	st = sql_open(s, "SELECT side, attempt, status, type, size, data, "
	    "offsets FROM sides WHERE capture_id = (SELECT id FROM captures "
	    "WHERE request_id = ?) ORDER BY side = 3, attempt, side", "s",
	    request_id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		b.side = (enum body_side)sql_int(st, 0);
		b.attempt = (int)sql_int(st, 1);
		b.status = (int)sql_int(st, 2);
		b.type = sql_str(st, 3);
		b.size = sql_int(st, 4);
		b.data = sql_str(st, 5);
		b.offsets = sql_str(st, 6);
		n++;
		cb(arg, &b);
	}
	sql_end(st);
	return rc == -1 ? -1 : n;
}

static int
expire(struct store *s, int64_t before_us, int n)
{
	if (sql_run(s, "DELETE FROM captures WHERE id IN (SELECT id FROM "
	    "captures WHERE time_us < ? ORDER BY time_us LIMIT ?)", "ii",
	    before_us, (int64_t)n) == -1)
		return -1;
	return sql_changes(s);
}

static int
expire_large(struct store *s, int64_t max_bytes, int n)
{
	int64_t	 bytes = 0;

	if (max_bytes <= 0)
		return 0;
	if (sql_get(s, &bytes, "SELECT coalesce(sum(bytes), 0) FROM captures",
	    "") == -1)
		return -1;
	return bytes > max_bytes ? expire(s, INT64_MAX, n) : 0;
}

int
bodies_expire(struct store *s, int64_t before_us, int64_t max_bytes, int n)
{
	int	 gone;

	if (sql_begin(s) == -1)
		return -1;
	gone = expire(s, before_us, n);
	if (gone == 0)
		gone = expire_large(s, max_bytes, n);
	if (gone == -1 || sql_commit(s) == -1) {
		sql_rollback(s);
		return -1;
	}
	return gone;
}
