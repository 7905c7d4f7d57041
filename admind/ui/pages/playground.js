// Talk through any route, in any dialect.  All of it is in this page, and gone
// with it.
import { html, useState, useEffect, useRef, useGet, send, t, told, num, money, ms, us, bytes, copy } from '../lib.js';
import { Panel, Failure, Field, Segment, Badge, Empty } from '../parts.js';
import { Code, dialects, frames, lost, pretty } from '../code.js';
import { rowOf } from '../replay.js';
import { requestOf, answerRead, emptyAnswer } from '../chat.js';

const imageMax = 8 << 20;
const framesMax = 500;
const toolSample = JSON.stringify([{ name: 'weather', description: 'Tells the weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }], null, 2);

// An array or object typed as JSON: { value } or { error }.
function typed(text, isRight, what) {
	if (!text.trim())
		return { value: undefined };
	try {
		const value = JSON.parse(text);
		return isRight(value) ? { value } : { error: what };
	} catch (e) {
		return { error: e.message };
	}
}
const toolsOf = (s) => typed(s, (v) => Array.isArray(v) && v.every((f) => f && typeof f.name === 'string'), t('must be a list of objects with name, description and parameters'));
const extraOf = (s) => typed(s, (v) => v && typeof v === 'object' && !Array.isArray(v), t('must be an object'));

const readImage = (file) => new Promise((done, failed) => {
	const r = new FileReader();
	r.onload = () => done({ type: file.type, data: r.result.slice(r.result.indexOf(',') + 1), name: file.name, url: r.result });
	r.onerror = () => failed(r.error);
	r.readAsDataURL(file);
});

// Sends, and calls on(change) with { answer, frames, id, status, first, total }.
async function talk(c, headers, stop, on) {
	const { path, body } = requestOf(c);
	const answer = emptyAnswer(c.dialect);
	const began = performance.now();
	const seen = { answer, frames: [], dropped: 0, request: { path, body }, id: '', status: 0, first: null, total: null };
	const take = (f) => {
		if (seen.frames.length < framesMax)
			seen.frames.push({ at: performance.now() - began, text: f.raw });
		else
			seen.dropped++;
		if (f.data && f.data !== '[DONE]')
			try {
				answerRead(answer, JSON.parse(f.data));
			} catch (e) {
				answer.error = `${t('A frame is not JSON')}: ${f.data.slice(0, 200)}`;
			}
	};
	try {
		const r = await send('POST', `/proxy${path}`, body, { headers, signal: stop });
		seen.status = r.status;
		seen.id = r.headers.get('x-proxyd-request-id') || '';
		const streams = (r.headers.get('content-type') || '').startsWith('text/event-stream');
		const text = new TextDecoder();
		const reader = r.body.getReader();
		const split = frames();
		let whole = '';
		for (;;) {
			const { value, done } = await reader.read();
			if (done)
				break;
			if (seen.first === null)
				seen.first = performance.now() - began;
			const piece = text.decode(value, { stream: true });
			if (streams)
				split.feed(piece).forEach(take);
			else
				whole += piece;
			on({ ...seen });
		}
		if (streams)
			split.end().forEach(take);
		else
			take({ raw: pretty(whole), data: whole });
		if (seen.status >= 400 && !answer.error)
			answer.error = told(JSON.parse(whole || '{}').detail) || `HTTP ${seen.status}`;
	} catch (e) {
		answer.error = e.name === 'AbortError' ? t('stopped') : e.message;
		answer.stopped = e.name === 'AbortError';
	}
	seen.total = performance.now() - began;
	on({ ...seen, done: true });
	return seen;
}

// --- pieces ---------------------------------------------------------------------------

function Calls({ calls, results, set, onSend, open }) {
	return html`${calls.map((k, i) => html`<div class="card call" key=${i}><div class="bar"><${Badge}>${t('calls')}</${Badge}><strong class="mono">${k.name}</strong><span class="dim mono">${k.id}</span></div>
		<${Code} text=${pretty(k.args)} label=${k.name} />
		${open && html`<${Field} label=${t('Your answer to {name}', { name: k.name })} type="textarea" value=${results[i] || ''} onInput=${(v) => set(i, v)} />`}</div>`)}
	${open && calls.length > 0 && html`<div class="actions"><button class="primary" onClick=${onSend}>${t('Answer the calls')}</button></div>`}`;
}

function Turn({ m, children }) {
	const who = { user: t('You'), assistant: t('Model'), tool: t('Tool') }[m.role];
	return html`<article class=${`turn ${m.role}`} aria-label=${who}><div class="dim who">${who}</div>
		${m.thinking && html`<details><summary class="dim">${t('Thoughts')}</summary><div class="said dim">${m.thinking}</div></details>`}
		${m.text && html`<div class="said">${m.text}</div>`}
		${(m.images || []).map((i, n) => html`<img key=${n} class="thumb" src=${i.url} alt=${i.name || t('image')} />`)}
		${(m.results || []).map((r, n) => html`<div key=${n}><span class="mono">${r.name}</span><div class="said">${r.text}</div></div>`)}
		${m.error && html`<div class=${`banner ${m.stopped ? 'warn' : ''}`} role="alert">${told(m.error)}</div>`}${children}</article>`;
}

function Facts({ seen, row }) {
	if (!seen)
		return html`<${Empty}>${t('What a request did stands here.')}</${Empty}>`;
	const u = seen.answer.usage || {};
	const soon = seen.done && !seen.id ? '–' : '…';
	return html`<dl class="facts">
		<dt>${t('Status')}</dt><dd>${seen.status || '–'} ${seen.answer.stop && html`<${Badge}>${seen.answer.stop}</${Badge}>`}</dd>
		<dt>${t('Target')}</dt><dd>${row ? `${row.provider || '–'} · ${row.model_sent || '–'}` : soon}</dd>
		<dt>${t('Dialects')}</dt><dd>${row ? `${row.dialect} → ${row.target_dialect || '–'}` : soon}</dd>
		<dt>${t('Tokens')}</dt><dd>${t('in')} ${num(row && row.input >= 0 ? row.input + Math.max(0, row.cache_read) : u.input)} · ${t('out')} ${num(row && row.output >= 0 ? row.output + Math.max(0, row.reasoning) : u.output)}</dd>
		<dt>${t('Cost')}</dt><dd>${row ? (row.cost < 0 ? t('unpriced') : money(row.cost)) : soon}</dd>
		<dt>${t('First byte')}</dt><dd>${seen.first === null ? '–' : ms(seen.first)}</dd>
		<dt>${t('Duration')}</dt><dd>${seen.total === null ? '…' : ms(seen.total)}${row && row.overhead_us >= 0 ? ` · ${t('our own time')} ${us(row.overhead_us)}` : ''}</dd>
		${row && lost(row.loss).length > 0 && html`<dt>${t('Loss report')}</dt><dd>${lost(row.loss).map((l) => l.path).join(', ')}</dd>`}
		${seen.id && html`<dt>${t('Log')}</dt><dd><a class="mono" href=${`#/logs?open=${seen.id}`}>${seen.id}</a></dd>`}</dl>`;
}

function Raw({ seen }) {
	const [what, setWhat] = useState('frames');
	const text = seen.frames.map((f) => f.text).join('\n\n');
	return html`<div class="bar"><${Segment} label=${t('Raw')} value=${what} onChange=${setWhat} options=${[['frames', t('Answer')], ['request', t('Request')]]} />
		<span class="grow"></span><button class="small" onClick=${() => copy(what === 'frames' ? text : JSON.stringify(seen.request.body, null, 2))}>${t('Copy')}</button></div>
	${what === 'request' ? html`<p class="mono dim">POST ${seen.request.path}</p><${Code} text=${JSON.stringify(seen.request.body, null, 2)} label=${t('Request')} />` :
		html`<ol class="frames" tabindex="0" aria-label=${t('Frames')}>${seen.frames.map((f, i) => html`<li key=${i}><span class="dim num">${ms(f.at)}</span><code>${f.text}</code></li>`)}
			${seen.dropped > 0 && html`<li class="dim">${t('and {n} more', { n: seen.dropped })}</li>`}</ol>`}`;
}

function Composer({ busy, onSend, onStop }) {
	const [text, setText] = useState('');
	const [images, setImages] = useState([]);
	const [error, setError] = useState(null);
	const [over, setOver] = useState(false);
	const add = async (files) => {
		setError(null);
		for (const f of files) {
			if (!f.type.startsWith('image/'))
				setError(t('“{name}” is not an image', { name: f.name }));
			else if (f.size > imageMax)
				setError(t('“{name}” is larger than {max}', { name: f.name, max: bytes(imageMax) }));
			else {
				const image = await readImage(f);
				setImages((l) => [...l, image]);
			}
		}
	};
	const submit = (e) => {
		e && e.preventDefault();
		if (busy || (!text.trim() && !images.length))
			return;
		onSend({ role: 'user', text, images });
		setText('');
		setImages([]);
		setError(null);
	};
	return html`<form class=${`composer ${over ? 'over' : ''}`} onSubmit=${submit} onDragOver=${(e) => { e.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
		onDrop=${(e) => { e.preventDefault(); setOver(false); add([...e.dataTransfer.files]); }}>
		${images.length > 0 && html`<div class="bar">${images.map((i, n) => html`<span key=${n} class="attached"><img class="thumb" src=${i.url} alt=${i.name} />
			<button type="button" class="small" aria-label=${t('Remove {name}', { name: i.name })} onClick=${() => setImages((l) => l.filter((x) => x !== i))}>✕</button></span>`)}</div>`}
		<textarea aria-label=${t('Message')} placeholder=${t('Enter sends, Shift and Enter begin a line; images may be pasted or dropped.')} value=${text} onInput=${(e) => setText(e.target.value)}
			onPaste=${(e) => { const f = [...e.clipboardData.files]; if (f.length) { e.preventDefault(); add(f); } }}
			onKeyDown=${(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) submit(e); }}></textarea>
		${error && html`<div class="banner" role="alert">${error}</div>`}
		<div class="actions"><label class="button">${t('Attach an image')}<input class="sr" type="file" accept="image/*" multiple onChange=${(e) => { add([...e.target.files]); e.target.value = ''; }} /></label>
			${busy ? html`<button type="button" class="danger" onClick=${onStop}>${t('Stop')}</button>` : html`<button class="primary">${t('Send')}</button>`}</div></form>`;
}

// --- the page ---------------------------------------------------------------------------

export function Playground({ query, figures }) {
	const models = useGet('/served-models');
	const [o, setAll] = useState({ dialect: query.dialect || 'openai-chat', model: query.model || '', target: query.target || '', system: '', temperature: '', maxTokens: '', stream: true, tools: '', extra: '' });
	const [turns, setTurns] = useState([]);
	const [seen, setSeen] = useState(null);
	const [row, setRow] = useState(null);
	const [busy, setBusy] = useState(false);
	const [results, setResults] = useState({});
	const stop = useRef(null);
	const end = useRef();
	const set = (k) => (v) => setAll((x) => ({ ...x, [k]: v }));
	const tools = toolsOf(o.tools);
	const extra = extraOf(o.extra);
	const names = models.data ? models.data.data.map((m) => m.id) : [];
	const providers = [...new Set(((figures && figures.keys) || []).map((k) => k.provider))];
	// An address that is opened while this page stands is followed.
	useEffect(() => setAll((x) => ({ ...x, dialect: query.dialect || x.dialect, model: query.model || x.model, target: query.target || x.target })), [query.dialect, query.model, query.target]);
	useEffect(() => () => stop.current && stop.current.abort(), []);
	useEffect(() => { if (end.current && busy) end.current.scrollIntoView({ block: 'nearest' }); }, [seen]);
	const run = async (all) => {
		const model = o.model || names[0] || '';
		const ctl = stop.current = new AbortController();
		setTurns(all);
		setBusy(true);
		setRow(null);
		setResults({});
		const c = { dialect: o.dialect, model, system: o.system, turns: all.filter((m) => !m.error || m.text), stream: o.stream, tools: tools.value, extra: extra.value,
		    temperature: o.temperature === '' ? undefined : Number(o.temperature), maxTokens: o.maxTokens === '' ? undefined : Number(o.maxTokens) };
		const r = await talk(c, o.target ? { 'x-proxyd-target': o.target } : {}, ctl.signal, (s) => { setSeen(s); setTurns([...all, { ...s.answer }]); });
		setTurns([...all, { ...r.answer }]);
		setBusy(false);
		if (r.id) {
			const found = await rowOf(r.id, new AbortController().signal);
			if (stop.current === ctl)
				setRow(found);
		}
	};
	const last = turns[turns.length - 1];
	const open = !busy && last && last.role === 'assistant' && !last.error && last.calls.length > 0;
	const answerCalls = () => run([...turns, { role: 'tool', results: last.calls.map((k, i) => ({ id: k.id, name: k.name, text: results[i] || '' })) }]);
	const again = () => { let n = turns.length; while (n > 0 && turns[n - 1].role === 'assistant') n--; run(turns.slice(0, n)); };
	return html`<div class="grid play"><div>
		<${Panel} title=${t('Conversation')} right=${html`<button class="small" disabled=${busy || !turns.length} onClick=${again}>${t('Once more')}</button>
			<button class="small" disabled=${busy || !turns.length} onClick=${() => { setTurns([]); setSeen(null); setRow(null); }}>${t('Begin anew')}</button>`}>
			<div class="turns" aria-live="polite">${turns.length === 0 && html`<${Empty}>${t('Nothing is kept: the conversation ends with this page. Requests are in the log as the operator’s.')}</${Empty}>`}
				${turns.map((m, i) => html`<${Turn} key=${i} m=${m}>${m.calls && m.calls.length > 0 && html`<${Calls} calls=${m.calls} results=${results} open=${open && i === turns.length - 1}
					set=${(n, v) => setResults((r) => ({ ...r, [n]: v }))} onSend=${answerCalls} />`}</${Turn}>`)}
				${busy && last && last.role !== 'assistant' && html`<div class="dim" role="status">${t('waiting')} …</div>`}<div ref=${end}></div></div>
			<${Composer} busy=${busy} onSend=${(m) => run([...turns, m])} onStop=${() => stop.current.abort()} />
		</${Panel}>
		<${Panel} title=${t('This request')}><${Facts} seen=${seen} row=${row} /></${Panel}>
		${seen && html`<${Panel} title=${t('Raw')}><${Raw} seen=${seen} /></${Panel}>`}</div>
		<div>
		<${Panel} title=${t('How')}>
			<${Field} label=${t('Dialect')} type="select" value=${o.dialect} onInput=${set('dialect')} options=${dialects} />
			<${Field} label=${t('Model')} value=${o.model} onInput=${set('model')} list="play-models" placeholder=${names[0] || ''} spellcheck=${false} />
			<datalist id="play-models">${names.map((m) => html`<option key=${m} value=${m}></option>`)}</datalist>
			${models.error && html`<${Failure} error=${models.error} again=${models.reload} />`}
			<${Field} label=${t('Target')} value=${o.target} onInput=${set('target')} list="play-targets" placeholder=${t('as routed')} hint=${t('PROVIDER/MODEL, instead of the routes')} spellcheck=${false} />
			<datalist id="play-targets">${providers.map((p) => html`<option key=${p} value=${`${p}/`}></option>`)}</datalist>
			<${Field} label=${t('System prompt')} type="textarea" value=${o.system} onInput=${set('system')} />
			<div class="fields"><${Field} label=${t('Temperature')} type="number" min="0" max="2" step="any" value=${o.temperature} onInput=${set('temperature')} />
				<${Field} label=${t('At most … tokens')} type="number" min="1" value=${o.maxTokens} onInput=${set('maxTokens')} /></div>
			<${Field} label=${t('as a stream')} type="checkbox" value=${o.stream} onInput=${set('stream')} />
			<details><summary>${t('Tools')} ${tools.value ? html`<${Badge}>${tools.value.length}</${Badge}>` : ''}</summary>
				<${Field} label=${t('Functions, as JSON')} type="textarea" value=${o.tools} onInput=${set('tools')} error=${tools.error} spellcheck=${false} />
				<button class="small" onClick=${() => set('tools')(toolSample)}>${t('Sample')}</button></details>
			<details><summary>${t('More parameters')}</summary><${Field} label=${t('Members of the body, as JSON')} type="textarea" value=${o.extra} onInput=${set('extra')} error=${extra.error} spellcheck=${false} /></details>
		</${Panel}></div></div>`;
}
