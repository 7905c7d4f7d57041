/*
 * Accounts: a request's record on its way to the logger, and the counters of a
 * key.  A record that finds no room in the ring goes to the worker's own spill
 * file, and from there into the ring as room comes: none is dropped.
 *
 * The spill file belongs to one slot, so there is one writer and one reader,
 * the same process.  Where it has been read to is kept in the worker's shared
 * row; a successor after a crash tells from the ring's head whether the last
 * record had arrived.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyd/account.h"
#include "proxyd/request.h"

#define SPILL_PATH	1200
#define SPILL_BLOCK	(2 * (sizeof(uint32_t) + ACCT_REC_MAX))

/* During an upgrade two workers are in a slot, of two shared memories. */
static void
spill_path(char path[SPILL_PATH], const char *base, unsigned slot,
    uint64_t epoch)
{
	snprintf(path, SPILL_PATH, "%s.%u.%016llx", base, slot,
	    (unsigned long long)epoch);
}

static int
spill_open(struct worker *wk)
{
	struct stat	 st;
	char		 path[SPILL_PATH];

	if (wk->spill_fd != -1)
		return 0;
	spill_path(path, wk->paths->spill, wk->slot, wk->shm->epoch);
	wk->spill_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
	    0600);
	if (wk->spill_fd == -1 || fstat(wk->spill_fd, &st) == -1) {
		log_alert("cannot open spill file '%s'", path);
		if (wk->spill_fd != -1)
			close(wk->spill_fd);
		return wk->spill_fd = -1;
	}
	wk->spill_end = st.st_size;
	return 0;
}

/* Half a record would hide those behind it: none stays. */
static int
spill_write(struct worker *wk, struct str bytes)
{
	ssize_t	 n = write(wk->spill_fd, bytes.p, bytes.n);

	if (n == (ssize_t)bytes.n) {
		wk->spill_end += n;
		return 0;
	}
	if (n > 0 && ftruncate(wk->spill_fd, (off_t)wk->spill_end) == -1)
		log_warn("cannot cut the spill file");
	if (n >= 0)
		errno = ENOSPC;
	return -1;
}

static void
spill_put(struct worker *wk, struct str rec)
{
	uint32_t	 n = (uint32_t)rec.n;
	struct buf	 b;

	buf_init(&b, sizeof(n) + ACCT_REC_MAX);
	(void)buf_add(&b, &n, sizeof(n));
	(void)buf_adds(&b, rec);
	if (spill_open(wk) == 0)
		wk->row->settle.spill = wk->spill_end + (int64_t)b.len;
	if (wk->spill_fd == -1 || spill_write(wk, buf_str(&b)) == -1)
		log_alert("a record could not be kept: %s",
		    strerror(errno));
	wk->row->stat.ring_spills++;
	buf_release(&b);
}

/* The record that is next in the file into the ring; false: no room. */
static bool
spill_take(struct worker *wk, struct str rec)
{
	struct shm_ring	*ring = &wk->shm->ring[wk->slot];
	uint64_t	 off = wk->row->spill_old;
	bool		 ok;

	wk->row->spill_head = ring->head;
	wk->row->spill_new = off + sizeof(uint32_t) + rec.n;
	ok = ring_put(ring, rec) == 0;
	wk->row->spill_old = ok ? wk->row->spill_new : off;
	wk->row->spill_new = wk->row->spill_old;
	return ok;
}

/* What one read gives; false: no room for all of it, or no record. */
static bool
spill_read(struct worker *wk)
{
	static char	 block[SPILL_BLOCK];
	ssize_t		 got;
	size_t		 at = 0, left;
	uint32_t	 n;

	got = pread(wk->spill_fd, block, sizeof(block),
	    (off_t)wk->row->spill_old);
	for (left = got > 0 ? (size_t)got : 0; left >= sizeof(n);
	    at += n, left -= n) {
		memcpy(&n, block + at, sizeof(n));
		if (n > ACCT_REC_MAX || n > left - sizeof(n))
			break;
		at += sizeof(n);
		left -= sizeof(n);
		if (!spill_take(wk, (struct str){ block + at, n }))
			return false;
	}
	return at > 0;
}

/* A writer that was killed may have left half a record: it has no row. */
static void
spill_mend(struct worker *wk)
{
	int64_t		 off = (int64_t)wk->row->spill_old;
	int64_t		 size = wk->spill_end;
	uint32_t	 n;

	while (pread(wk->spill_fd, &n, sizeof(n), (off_t)off) ==
	    (ssize_t)sizeof(n) && n <= ACCT_REC_MAX &&
	    off + (int64_t)sizeof(n) + n <= size)
		off += (int64_t)sizeof(n) + n;
	if (off >= size)
		return;
	log_warnx("%lld bytes at the end of the spill file are no record",
	    (long long)(size - off));
	if (ftruncate(wk->spill_fd, (off_t)off) == -1)
		log_warn("cannot cut the spill file");
	else
		wk->spill_end = off;
}

void
account_flush(struct worker *wk)
{
	struct shm_worker	*row = wk->row;
	char			 path[SPILL_PATH];

	if (wk->spill_fd == -1) {
		spill_path(path, wk->paths->spill, wk->slot,
		    wk->shm->epoch);
		if (access(path, F_OK) == -1 || spill_open(wk) == -1)
			return;
		if (row->spill_new != row->spill_old &&
		    wk->shm->ring[wk->slot].head != row->spill_head)
			row->spill_old = (uint64_t)row->spill_new;
		spill_mend(wk);
	}
	while (wk->spill_end > 0 && spill_read(wk))
		continue;
	if ((int64_t)row->spill_old < wk->spill_end)
		return;
	/* Also one that died after it had emptied the file may have left them. */
	if (wk->spill_end > 0 && ftruncate(wk->spill_fd, 0) == -1) {
		log_warn("cannot empty the spill file");
		return;
	}
	wk->spill_end = 0;
	row->spill_old = row->spill_new = 0;
}

int64_t
account_spilled(const struct conf_paths *paths, unsigned slot,
    uint64_t epoch)
{
	struct stat	 st;
	char		 path[SPILL_PATH];

	spill_path(path, paths->spill, slot, epoch);
	return stat(path, &st) == -1 ? 0 : st.st_size;
}

bool
account_pending(const struct worker *wk)
{
	return wk->spill_fd != -1 && wk->spill_end > 0;
}

void
account_end(struct worker *wk)
{
	char	 path[SPILL_PATH];

	account_flush(wk);
	if (wk->spill_fd == -1 || wk->spill_end > 0)
		return;
	spill_path(path, wk->paths->spill, wk->slot, wk->shm->epoch);
	unlink(path);
	close(wk->spill_fd);
	wk->spill_fd = -1;
}

void
account_adopt(const struct conf_paths *paths, uint64_t epoch)
{
	char		 from[SPILL_PATH], to[SPILL_PATH];
	glob_t		 g;
	unsigned	 slot = 0;
	size_t		 i;

	snprintf(from, sizeof(from), "%s.*", paths->spill);
	if (glob(from, 0, NULL, &g) != 0)
		return;
	for (i = 0; i < g.gl_pathc && slot < SHM_WORKERS; i++) {
		spill_path(to, paths->spill, slot++, epoch);
		if (rename(g.gl_pathv[i], to) == -1)
			log_warn("cannot take over '%s'", g.gl_pathv[i]);
	}
	globfree(&g);
}

void
account_write(struct worker *wk, const struct acct_rec *rec)
{
	struct buf	 b;

	buf_init(&b, ACCT_REC_MAX);
	acct_pack(rec, &b);
	if (ring_put(&wk->shm->ring[wk->slot], buf_str(&b)) == -1)
		spill_put(wk, buf_str(&b));
	buf_release(&b);
	if (rec->f.input > 0)
		wk->row->stat.input_tokens += (uint64_t)rec->f.input;
	if (rec->f.output > 0)
		wk->row->stat.output_tokens += (uint64_t)rec->f.output;
}

void
account_key(struct request *rq, int status, bool ok)
{
	struct shm_keycount	*k =
	    &rq->rq_wk->row->key[rq->rq_key->slot];

	k->inflight--;
	if (ok)
		k->ok++;
	else
		k->failed++;
	k->last_us = clock_wall_us();
	k->status[shm_status_slot(status)]++;
}
