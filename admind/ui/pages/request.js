// One request of the log: what it was, what became of it, and once more.
import { html, useState, useEffect, useRef, useGet, t, num, us, ms, when, bytes, money, copy, told } from '../lib.js';
import { Status, Badge, Cards, Field, Dialog, Failure, Load, Segment } from '../parts.js';
import { Code, dialects, dialectName, jsonDiff, pretty } from '../code.js';
import { answerRead, emptyAnswer } from '../chat.js';
import { curlOf, baseOf } from '../clients.js';
import { again, answerIn, bodyOf, convert, isCut, isStream, requestIn, rowOf } from '../replay.js';

const waited = (row) => (Array.isArray(row.tries) ? row.tries : []);

function Timing({ row }) {
	const total = Math.max(1, row.total_us);
	const list = waited(row);
	const sum = (l) => l.reduce((n, x) => n + (x.ms || 0) * 1000, 0);
	// Calls before the last one that went well: of several answers, or parts.
	const well = (x) => x.more || x.why === 'ok' || x.why === 'a part';
	const earlier = sum(list.slice(0, -1).filter(well));
	const failed = sum(list.slice(0, -1)) - earlier;
	const first = row.ttfb_us < 0 ? total : row.ttfb_us;
	const before = list.length ? Math.min(first, Math.max(0, total - sum(list))) : 0;
	const queued = Math.min(before, Math.max(0, row.queue_us));
	const room = Math.max(0, first - before);
	const lost = Math.min(failed, room);
	const calls = Math.min(earlier, room - lost);
	const connect = Math.min(room - lost - calls, Math.max(0, row.connect_us));
	const parts = [['k5', t('waiting for a key'), queued], ['k4', t('before and between attempts'), before - queued], ['k3', t('attempts that failed'), lost], ['k7', t('earlier calls'), calls],
	    ['k6', t('connecting'), connect], ['k2', t('waiting for the first byte'), room - lost - calls - connect], ['k1', t('the answer'), Math.max(0, total - first)]];
	return html`<div class="timing" role="img" aria-label=${parts.map((p) => `${p[1]} ${us(p[2])}`).join(', ')}>
		${parts.map(([k, , v]) => html`<span key=${k} class=${k} style=${{ width: `${v / total * 100}%` }}></span>`)}</div>
		<p class="dim">${parts.filter((p) => p[2] > 0).map(([k, name, v]) => html`<span class="legend" key=${k}><i class=${k}></i>${name} ${us(v)}</span>`)}
			<span class="legend">${t('our own time')} ${us(row.overhead_us)}</span></p>`;
}

function Tries({ row }) {
	const list = waited(row);
	if (list.length === 0)
		return html`<p class="dim">${t('None: it was answered here.')}</p>`;
	return html`<${Cards}><table><thead><tr><th>${t('Provider')}</th><th>${t('Model sent')}</th><th>${t('Key')}</th><th>${t('Status')}</th><th class="num">${t('Duration')}</th><th>${t('Why')}</th></tr></thead>
		<tbody>${list.map((a, i) => (a.more ? html`<tr key=${i}><td colspan="4" class="dim">${told(a.why)}</td><td class="num">${ms(a.ms)}</td><td></td></tr>` : html`<tr key=${i}><td>${a.provider}</td><td>${a.model || '–'}</td><td class="mono">${a.key || '–'}</td><td><${Status} code=${a.status} /></td><td class="num">${ms(a.ms)}</td><td>${told(a.why)}${a.said && a.why !== a.said && html`<div class="dim">${told(a.said)}</div>`}</td></tr>`))}</tbody></table></${Cards}>`;
}

function Loss({ row }) {
	const list = Array.isArray(row.loss) ? row.loss : [];
	if (list.length === 0)
		return html`<p class="dim">${row.translated ? t('Nothing was lost in translation.') : t('Forwarded as it came.')}</p>`;
	return html`<${Cards}><table><thead><tr><th>${t('Field')}</th><th>${t('What happened')}</th><th>${t('Why')}</th></tr></thead>
		<tbody>${list.map((l, i) => html`<tr key=${i}><td class="mono">${l.path}</td><td><${Badge} kind=${l.action === 'approximated' || l.action === 'ignored' ? '' : 'warn'}>${t(l.action)}</${Badge}></td><td>${told(l.why)}</td></tr>`)}</tbody></table></${Cards}>`;
}

// --- bodies ----------------------------------------------------------------------------

const sideName = (b) => ({ client_request: t('from the client'), upstream_request: t('to the provider'),
    upstream_response: t('from the provider'), client_response: t('to the client') }[b.side]);

// When each frame of a stream had come whole, by the pieces that it came in.
function timeOf(b) {
	const size = new TextEncoder();
	const list = b.data.split(/(?<=\n\n)/).filter((f) => f.trim());
	let at = 0;
	let piece = 0;
	let had = b.pieces.length ? b.pieces[0][0] : 0;
	return list.slice(0, 500).map((f) => {
		at += size.encode(f).length;
		while (piece + 1 < b.pieces.length && had < at)
			had += b.pieces[++piece][0];
		return [b.pieces.length ? b.pieces[piece][1] : -1, f.trim()];
	});
}

function Pieces({ b }) {
	if (b.pieces.length < 2)
		return null;
	const last = b.pieces[b.pieces.length - 1][1] || 1;
	const max = Math.max(...b.pieces.map((p) => p[0]));
	const label = t('{n} pieces in {time}', { n: b.pieces.length, time: us(last) });
	return html`<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label=${label}>
		${b.pieces.slice(0, 600).map((p, i) => html`<rect key=${i} x=${(p[1] / last * 99).toFixed(2)} y=${(32 - p[0] / max * 30).toFixed(1)} width="0.6" height=${(p[0] / max * 30).toFixed(1)} fill="currentColor"><title>${bytes(p[0])} · ${us(p[1])}</title></rect>`)}</svg>
		<p class="dim">${label}</p>
		${isStream(b) && html`<details><summary>${t('Frames and when they came')}</summary><ol class="frames" tabindex="0" aria-label=${t('Frames')}>
			${timeOf(b).map(([at, text], i) => html`<li key=${i}><span class="dim num">${us(at)}</span><code>${text}</code></li>`)}</ol></details>`}`;
}

function Bodies({ list }) {
	if (list.length === 0)
		return html`<p class="dim">${t('Not kept. LOG_BODIES in app.yml says whose are.')}</p>`;
	return html`<div class="grid two">${list.map((b, i) => html`<section key=${i}><div class="bar"><h3>${sideName(b)}${b.attempt > 0 ? ` (${b.attempt + 1})` : ''}</h3>
		<span class="dim">${bytes(b.size)} ${b.status ? `· ${b.status}` : ''} ${isCut(b) ? `· ${t('cut')}` : ''}</span><button class="small" onClick=${() => copy(b.data)}>${t('Copy')}</button></div>
		<${Code} text=${b.base64 ? b.data : pretty(b.data)} label=${sideName(b)} /><${Pieces} b=${b} /></section>`)}</div>`;
}

// --- differences ------------------------------------------------------------------------

const shown = (v) => (v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v));

export function Differences({ left, right, names }) {
	const d = jsonDiff(left, right);
	if (d.list.length === 0)
		return html`<p class="good">${t('They say the same.')}</p>`;
	return html`<div class="scroll"><table class="diff"><thead><tr><th>${t('Field')}</th><th>${names[0]}</th><th>${names[1]}</th></tr></thead>
		<tbody>${d.list.map(([path, kind, a, b]) => html`<tr key=${path}><td class="mono">${path || '.'} <${Badge} kind=${kind === 'added' ? 'good' : kind === 'removed' ? 'bad' : 'warn'}>${t(kind)}</${Badge}></td>
			<td class="mono">${shown(a).slice(0, 400)}</td><td class="mono">${shown(b).slice(0, 400)}</td></tr>`)}</tbody></table></div>
		${d.more && html`<p class="dim">${t('and more')}</p>`}`;
}

// Both sides in the client's dialect, written by the same encoder: what is left is
// a difference in meaning.
async function bothSides(row, bodies, what) {
	const [c, p] = what === 'request' ? [bodyOf(bodies, 'client_request'), bodyOf(bodies, 'upstream_request')] : [bodyOf(bodies, 'upstream_response'), bodyOf(bodies, 'client_response')];
	if (!c || !p)
		return { error: t('One of the two was not kept.') };
	if (isCut(c) || isCut(p))
		return { error: t('One of the two was kept in part only.') };
	const theirs = row.target_dialect === 'mock' ? row.dialect : row.target_dialect;
	const job = (text, from, model) => convert({ kind: 'request', from, to: row.dialect, text, model });
	// Twice: so that what the last step adds by itself is in both.
	const twice = async (first, second) => {
		const r = await first;
		return r.text ? second(r.text) : r;
	};
	const [a, b] = what === 'request' ? await Promise.all([job(c.data, row.dialect, row.model_asked), twice(job(p.data, theirs, row.model_sent), (x) => job(x, row.dialect, row.model_sent))]) :
	    await Promise.all([twice(answerIn(c, theirs, row.dialect), (x) => convert({ kind: 'response', from: row.dialect, to: row.dialect, text: x })), answerIn(p, row.dialect, row.dialect)]);
	if (!a.text || !b.text)
		return { error: a.error || b.error || t('It cannot be told in one dialect.') };
	return { left: JSON.parse(a.text), right: JSON.parse(b.text) };
}

function Semantic({ row, bodies }) {
	const [what, setWhat] = useState('request');
	const [state, set] = useState({});
	useEffect(() => {
		let live = true;
		set({});
		bothSides(row, bodies, what).catch((e) => ({ error: e.message })).then((r) => { if (live) set(r); });
		return () => { live = false; };
	}, [what]);
	const names = what === 'request' ? [t('from the client'), t('to the provider')] : [t('from the provider'), t('to the client')];
	return html`<div class="bar"><${Segment} label=${t('Compare')} value=${what} onChange=${setWhat} options=${[['request', t('Request')], ['answer', t('Answer')]]} />
		<span class="dim">${t('both told as {dialect}', { dialect: dialectName(row.dialect) })}</span></div>
	${state.error ? html`<p class="dim">${state.error}</p>` : !state.left ? html`<p class="dim" aria-busy="true">${t('Loading')} …</p>` : html`<${Differences} left=${state.left} right=${state.right} names=${names} />`}`;
}

// --- once more -------------------------------------------------------------------------

async function answerOf(data, dialect) {
	const a = emptyAnswer(dialect);
	const r = await answerIn({ data, type: '' }, dialect, dialect);
	const whole = r.text ? JSON.parse(r.text) : null;
	if (whole)
		answerRead(a, whole);
	return { text: [a.text, ...a.calls.map((c) => `${c.name}(${c.args})`), told(a.error || r.error || '')].filter(Boolean).join('\n'), whole };
}

function Side({ title, row, status, took, text }) {
	return html`<section><h3>${title}</h3><dl class="facts"><dt>${t('Status')}</dt><dd>${status}</dd><dt>${t('Target')}</dt><dd>${row ? `${row.provider || '–'} · ${row.model_sent || '–'}` : '…'}</dd>
		<dt>${t('Duration')}</dt><dd>${us(took)}</dd><dt>${t('Tokens')}</dt><dd>${row ? `${t('in')} ${row.input < 0 ? '–' : num(row.input)} · ${t('out')} ${row.output < 0 ? '–' : num(row.output)}` : '…'}</dd>
		<dt>${t('Cost')}</dt><dd>${row ? (row.cost < 0 ? t('unpriced') : money(row.cost)) : '…'}</dd></dl><div class="card said">${text || '–'}</div></section>`;
}

function Replay({ row, bodies }) {
	const [target, setTarget] = useState('');
	const [state, set] = useState({});
	const stop = useRef(null);
	const old = bodyOf(bodies, 'client_response');
	useEffect(() => () => stop.current && stop.current.abort(), []);
	const run = async (e) => {
		e.preventDefault();
		stop.current = new AbortController();
		set({ busy: true });
		try {
			const now = await again(row, bodies, target.trim(), stop.current.signal);
			const [was, is] = await Promise.all([old && !isCut(old) ? answerOf(old.data, row.dialect) : { text: t('The answer was not kept.') }, answerOf(now.data, row.dialect)]);
			set({ now, was, is });
			const found = now.id ? await rowOf(now.id, stop.current.signal) : null;
			set({ now, was, is, row: found });
		} catch (error) {
			set(error.name === 'AbortError' ? {} : { error });
		}
	};
	return html`<form class="bar" onSubmit=${run}><${Field} label=${t('Target')} value=${target} onInput=${setTarget} placeholder=${t('as routed')} hint=${t('PROVIDER/MODEL, instead of the routes')} spellcheck=${false} />
		<button class="primary" disabled=${state.busy}>${state.busy ? `${t('waiting')} …` : t('Send it again')}</button>
		${state.busy && html`<button type="button" onClick=${() => stop.current.abort()}>${t('Stop')}</button>`}</form>
	<p class="dim">${t('It is sent as it came, as the operator’s, and costs what it costs.')}</p>
	${state.error && html`<${Failure} error=${state.error} />`}
	${state.now && html`<div class="grid two"><${Side} title=${t('Then')} row=${row} status=${row.status} took=${row.total_us} text=${state.was.text} />
		<${Side} title=${t('Now')} row=${state.row} status=${state.now.status} took=${state.now.ms * 1000} text=${state.is.text} /></div>
		${state.was.whole && state.is.whole && html`<${Differences} left=${state.was.whole} right=${state.is.whole} names=${[t('Then'), t('Now')]} />`}`}`;
}

function Curl({ row, bodies, base }) {
	const [dialect, setDialect] = useState(row.dialect);
	const [error, setError] = useState(null);
	const run = async () => {
		setError(null);
		try {
			const r = await requestIn(row, bodies, dialect);
			if (r.error)
				setError(new Error(r.error));
			else
				copy(curlOf(base, dialect, r.path, r.text, 'YOUR-CLIENT-KEY'));
		} catch (e) {
			setError(e);
		}
	};
	return html`<div class="bar"><label class="inline">${t('Dialect')} <select value=${dialect} onChange=${(e) => setDialect(e.target.value)}>
			${dialects.map(([d, name]) => html`<option value=${d} selected=${d === dialect}>${name}</option>`)}</select></label>
		<button onClick=${run}>${t('Copy as curl')}</button></div>${error && html`<${Failure} error=${error} />`}`;
}

// --- the sheet ---------------------------------------------------------------------------

// Where it was no rule, whose name stands there.
const routedBy = { family: 'by its model’s name', model: 'by the list of models', preferred: 'to the preferred provider', direct: 'in direct mode',
    operator: 'by the operator', 'kept there': 'where its state is kept' };

function Facts({ row }) {
	const keys = useGet(row.client_key_id > 0 ? '/client-keys' : null);
	const key = keys.data && keys.data.client_keys.find((k) => k.id === row.client_key_id);
	return html`<dl class="facts">
		<dt>${t('Begun')}</dt><dd>${when(row.time, true)}</dd>
		<dt>${t('Asked for')}</dt><dd>${row.model_asked || '–'}</dd><dt>${t('Sent')}</dt><dd>${row.model_sent || '–'} · ${row.provider || '–'}</dd>
		<dt>${t('Answered')}</dt><dd>${row.model_answered || '–'}</dd>
		<dt>${t('Dialects')}</dt><dd>${row.dialect} → ${row.target_dialect || '–'} ${row.stream ? html`<${Badge}>${t('streamed')}</${Badge}>` : ''} ${row.incomplete ? html`<${Badge} kind="bad">${t('incomplete')}</${Badge}>` : ''}</dd>
		<dt>${t('Path')}</dt><dd class="mono">${row.path}</dd><dt>${t('Routed by')}</dt><dd>${routedBy[row.route] ? t(routedBy[row.route]) : row.route || '–'}</dd>
		<dt>${t('Client')}</dt><dd>${row.client} · ${row.user_agent || '–'}</dd>
		${row.tenant && html`<dt>${t('Tenant')}</dt><dd><a href=${`#/logs?tenant_id=${row.tenant_id}`}>${row.tenant}</a></dd>`}
		${row.client_key_id > 0 && html`<dt>${t('Client key')}</dt><dd><a href=${`#/logs?client_key_id=${row.client_key_id}`}>${key ? key.name : `# ${row.client_key_id}`}</a></dd>`}
		<dt>${t('Ended')}</dt><dd>${told(row.close)} · ${row.stop || '–'}</dd>
		<dt>${t('Provider’s id')}</dt><dd class="mono">${row.upstream_id || '–'}</dd>
		<dt>${t('Bytes')}</dt><dd>${t('in')} ${bytes(row.bytes_in)} · ${t('out')} ${bytes(row.bytes_out)}</dd>
		${row.cost !== undefined && html`<dt>${t('Cost')}</dt><dd>${row.cost < 0 ? t('unpriced') : money(row.cost)}</dd>`}
	</dl>`;
}

// For five minutes and for an hour; -1: neither was said.
const written = ({ cache_write_5m: a, cache_write_1h: b }) => (a < 0 || b < 0 ? Math.max(a, b) : a + b);
const tokenNames = (row) => [['fresh input', row.input], ['read from the cache', row.cache_read], ['written to the cache', written(row)],
    ['output', row.output], ['reasoning', row.reasoning]];

export function Detail({ id, user, figures, onClose }) {
	const d = useGet(`/logs/${encodeURIComponent(id)}`);
	const admin = user && user.role === 'admin';
	return html`<${Dialog} sheet=${true} title=${t('Request')} onClose=${onClose}><${Load} of=${d}>${({ row, bodies }) => {
		const sent = bodyOf(bodies, 'client_request');
		const whole = sent && !isCut(sent) && dialects.some((x) => x[0] === row.dialect);
		return html`<div class="bar"><${Status} code=${row.status} /> <span class="mono">${row.request_id}</span>
			<button class="small" onClick=${() => copy(row.request_id)}>${t('Copy')}</button>
			${[['bodies', t('Bodies'), true], ['command', t('As a command'), whole], ['again', t('Once more'), whole && admin]].filter((x) => x[2])
				.map(([k, text]) => html`<button class="small" key=${k} onClick=${() => document.getElementById(`r-${k}`).scrollIntoView()}>${text} ↓</button>`)}</div>
		${row.error && html`<div class="banner">${told(row.error)}</div>`}
		<${Facts} row=${row} />
		<h3>${t('Time')}</h3><${Timing} row=${row} />
		<h3>${t('Attempts')}</h3><${Tries} row=${row} />
		<h3>${t('Tokens')}</h3><dl class="facts">${tokenNames(row).map(([k, v]) => html`<dt key=${k}>${t(k)}</dt><dd>${v < 0 ? t('not said') : num(v)}</dd>`)}</dl>
		<h3>${t('Loss report')}</h3><${Loss} row=${row} />
		<h3 id="r-bodies">${t('Bodies')}</h3><${Bodies} list=${bodies} />
		${whole && html`<h3>${t('What changed on the way')}</h3><${Semantic} row=${row} bodies=${bodies} />
			<h3 id="r-command">${t('As a command')}</h3><${Curl} row=${row} bodies=${bodies} base=${baseOf(figures && figures.proxyd)} />
			${admin && html`<h3 id="r-again">${t('Once more')}</h3><${Replay} row=${row} bodies=${bodies} />`}`}`;
	}}</${Load}></${Dialog}>`;
}
