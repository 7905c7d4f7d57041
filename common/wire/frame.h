#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Streams cut into frames.  Two framings are in use between us and providers:
 *
 * FRAME_SSE		server-sent events (WHATWG HTML, 9.2): event, data.
 *			Lines end in LF, CRLF or CR; comments are skipped; several
 *			data lines are joined by LF; a BOM at the start is dropped.
 * FRAME_JSON_ARRAY	"[{..},{..}]" written piece by piece, as Gemini's
 *			streamGenerateContent without alt=sse does; a frame is one
 *			element of the array.
 */
enum framing { FRAME_NONE, FRAME_SSE, FRAME_JSON_ARRAY };

struct frame {
	struct str	 event;		/* empty: not given */
	struct str	 data;
};

#define FRAME_MAX	(32u << 20)	/* bytes in one frame */

/* Life cycle: framer_init .. framer_release. */
struct framer {
	enum framing	 kind;
	struct buf	 line;		/* bytes of a line or element begun */
	struct buf	 data;
	struct buf	 event;
	unsigned	 depth;		/* JSON_ARRAY: brackets open */
	bool		 has_data;
	bool		 in_string, backslash;
	bool		 skip_lf;	/* the last byte was CR */
	bool		 begun;		/* past a BOM or the "[" */
	bool		 comma_due;	/* JSON_ARRAY: behind an element */
	bool		 done;		/* past the "]" */
};

void	 framer_init(struct framer *, enum framing);
void	 framer_release(struct framer *);

/*
 * Feeds bytes as they arrive, cut anywhere, and calls frame_cb for every whole
 * frame; its slices are valid during the call.  Returns -1 when a frame passes
 * FRAME_MAX, when an array is not one, or when frame_cb returned -1.
 */
int	 framer_feed(struct framer *, struct str,
	    int (*frame_cb)(void *, const struct frame *), void *)
	    __attribute__((__warn_unused_result__));

/*
 * The peer has ended the stream: delivers an SSE event whose closing empty line
 * is missing (providers do that), unless it is cut within a line.
 */
int	 framer_end(struct framer *,
	    int (*frame_cb)(void *, const struct frame *), void *)
	    __attribute__((__warn_unused_result__));

/* True if bytes of an unfinished frame are held. */
bool	 framer_partial(const struct framer *);

/*
 * Writes one SSE event around data that the caller appends in between; the
 * data must hold no line end (JSON written by us never does).
 */
void	 sse_open(struct buf *, const char *event);	/* NULL: data only */
void	 sse_close(struct buf *);

#endif /* WIRE_FRAME_H */
