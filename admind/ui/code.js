// JSON and event streams as text with colours, and what is done with them.  All
// of it becomes text nodes: nothing here is ever markup.
import { html } from './lib.js';

// What of a loss report is a loss: what means nothing to the provider is none.
export const lost = (list) => (list || []).filter((l) => l.action !== 'ignored');

export const dialects = [
	['openai-chat', 'OpenAI Chat'], ['openai-responses', 'OpenAI Responses'],
	['anthropic', 'Anthropic Messages'], ['gemini', 'Gemini'],
];
export const dialectName = (d) => (dialects.find((x) => x[0] === d) || [d, d])[1];

// A tenth of a megabyte is what a person may want to see coloured.
const colourMax = 100000;
const token = /("(?:\\.|[^"\\])*")(\s*:)?|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\b(?:true|false|null)\b/g;

function coloured(text, out) {
	let at = 0;
	for (const m of text.matchAll(token)) {
		if (m.index > at)
			out.push(text.slice(at, m.index));
		const kind = m[1] ? (m[2] ? 'jk' : 'js') : /^[tfn]/.test(m[0]) ? 'jl' : 'jn';
		out.push(html`<span class=${kind}>${m[1] || m[0]}</span>`);
		if (m[2])
			out.push(m[2]);
		at = m.index + m[0].length;
	}
	out.push(text.slice(at));
}

// Indented where it is JSON; else as it is.
export function pretty(text) {
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch (e) {
		return text;
	}
}

export function Code({ text, label }) {
	const out = [];
	if (text.length > colourMax)
		out.push(text);
	else
		for (const line of text.split(/(?<=\n)/)) {
			const head = line.match(/^(?:data|event|id|retry):? ?/);
			if (head)
				out.push(html`<span class="jp">${head[0]}</span>`);
			coloured(head ? line.slice(head[0].length) : line, out);
		}
	return html`<pre tabindex="0" aria-label=${label}>${out}</pre>`;
}

// Frames of an event stream, however it is cut: feed(text) gives those that are
// complete, end() what is left.  A JSON array of objects counts as a stream, too.
export function frames() {
	let held = '';
	const event = (block) => {
		const f = { event: '', data: [], raw: block };
		for (const line of block.split('\n')) {
			if (line.startsWith('event:'))
				f.event = line.slice(6).trim();
			else if (line.startsWith('data:'))
				f.data.push(line.slice(line[5] === ' ' ? 6 : 5));
		}
		f.data = f.data.join('\n');
		return f;
	};
	return {
		feed(text) {
			const out = [];
			held = (held + text).replaceAll('\r\n', '\n');
			for (let at = held.indexOf('\n\n'); at >= 0; at = held.indexOf('\n\n')) {
				const block = held.slice(0, at);
				held = held.slice(at + 2);
				if (block.trim())
					out.push(event(block));
			}
			return out;
		},
		end() {
			const block = held.trim();
			held = '';
			return block ? [event(block)] : [];
		},
	};
}

// Paths of values that differ between two JSON texts: [path, kind, left, right],
// kind same length as words: added, removed, changed.  Objects by name, arrays by
// place; bounded, as both may be large.
export function jsonDiff(left, right, max = 400) {
	const out = [];
	const same = (a, b) => a === b || (Number.isNaN(a) && Number.isNaN(b));
	const isTree = (v) => v !== null && typeof v === 'object';
	const todo = [['', left, right]];
	while (todo.length && out.length < max) {
		const [path, a, b] = todo.shift();
		if (isTree(a) && isTree(b) && Array.isArray(a) === Array.isArray(b)) {
			const names = Array.isArray(a) ? Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i) :
			    [...new Set([...Object.keys(a), ...Object.keys(b)])];
			todo.unshift(...names.map((k) => [Array.isArray(a) ? `${path}[${k}]` : path ? `${path}.${k}` : k,
			    Object.hasOwn(a, k) ? a[k] : undefined, Object.hasOwn(b, k) ? b[k] : undefined]));
		} else if (a === undefined)
			out.push([path, 'added', undefined, b]);
		else if (b === undefined)
			out.push([path, 'removed', a, undefined]);
		else if (!same(a, b))
			out.push([path, 'changed', a, b]);
	}
	return { list: out, more: todo.length > 0 };
}
