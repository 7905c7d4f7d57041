// Requests that were, told anew: in another dialect, for the shell, to another
// target.
import { get, api, send, told } from './lib.js';

// What the log says of a request: there a moment after its end.
export async function rowOf(id, stop) {
	for (let i = 0; i < 12 && !stop.aborted; i++) {
		try {
			return (await get(`/logs/${encodeURIComponent(id)}`, { signal: stop })).row;
		} catch (e) {
			if (e.name === 'AbortError')
				return null;
			await new Promise((r) => setTimeout(r, 300));
		}
	}
	return null;
}

export const bodyOf = (bodies, side) => {
	const l = bodies.filter((b) => b.side === side && !b.base64);
	return l[l.length - 1] || null;
};
export const isCut = (b) => b && new TextEncoder().encode(b.data).length < b.size;
export const isStream = (b) => (b.type || '').startsWith('text/event-stream') || /^\s*(event|data|id|:)/.test(b.data) || /^\s*\[/.test(b.data);

// One text through the gateway's translation; { text, path, error }.
export async function convert(job) {
	const r = await api('POST', '/convert', job);
	if (r.error)
		return { error: told(r.error.message) };
	const x = r.results[0] || {};
	return { text: x.text, path: x.path, error: x.text ? null : x.error && told(x.error.message) };
}

// A request of the log in a dialect: { path, text } or { error }.
export async function requestIn(row, bodies, dialect) {
	const b = bodyOf(bodies, 'client_request');
	const stream = row.stream && row.dialect === 'gemini';
	if (dialect === row.dialect)
		return { path: stream ? `${row.path}?alt=sse` : row.path, text: b.data };
	return convert({ kind: 'request', from: row.dialect, to: dialect, text: b.data, model: row.model_asked, stream: !!row.stream });
}

// An answer as one whole JSON of a dialect, whatever it was.
export async function answerIn(b, from, to) {
	return convert({ kind: isStream(b) ? 'stream' : 'response', from, to, text: b.data });
}

// Sends it once more; target '' is as routed.  { status, id, text, type, ms }.
export async function again(row, bodies, target, stop) {
	const { path, text } = await requestIn(row, bodies, row.dialect);
	const t0 = performance.now();
	const r = await send('POST', `/proxy${path}`, text, { signal: stop, headers: target ? { 'x-proxyd-target': target } : {} });
	const data = await r.text();
	return { status: r.status, id: r.headers.get('x-proxyd-request-id') || '', data, type: r.headers.get('content-type') || '', ms: performance.now() - t0 };
}
