// The request log: filters in the address, pages as one scrolls, one request in
// full.
import { html, useState, useEffect, useRef, useGet, useEvents, get, query, go, t, num, us, ms, when, bytes, money,
    copy } from '../lib.js';
import { Panel, Status, Empty, Badge, Field, Dialog, Failure, Skeleton, Load } from '../parts.js';

const page = 60;

// Local date and time as an input takes it, and back to milliseconds.
const toInput = (v) => (v ? new Date(Number(v) - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : '');
const fromInput = (v) => (v ? String(new Date(v).getTime()) : '');

const tri = () => [['', t('any')], ['true', t('yes')], ['false', t('no')]];
const dialects = () => [['', t('any')], ['openai-chat', 'OpenAI Chat'], ['openai-responses', 'OpenAI Responses'],
    ['anthropic', 'Anthropic'], ['gemini', 'Gemini']];

function Filters({ q, set }) {
	const text = (name, label, more = {}) => html`<${Field} label=${label} value=${q[name] || ''} onInput=${(v) => set(name, v)} ...${more} />`;
	return html`<details class="panel" open=${Object.keys(q).length > 0}><summary>${t('Filter')}
		${Object.keys(q).length > 0 && html` <${Badge}>${Object.keys(q).length}</${Badge}>`}</summary>
		<div class="filters">
		${text('status', t('Status'), { placeholder: '429, 5xx, error' })}
		${text('model', t('Model asked for'))}${text('sent', t('Model sent'))}${text('provider', t('Provider'))}
		${text('dialect', t('Client’s dialect'), { type: 'select', options: dialects() })}
		${text('key_id', t('Key id'), { inputmode: 'numeric' })}${text('error', t('Text of the error'))}
		${text('min_ms', t('At least … ms'), { inputmode: 'numeric' })}${text('request_id', t('Request id'))}
		${text('stream', t('Streamed'), { type: 'select', options: tri() })}
		${text('translated', t('Translated'), { type: 'select', options: tri() })}
		${text('lossy', t('With a loss'), { type: 'select', options: tri() })}
		${text('failed', t('Failed'), { type: 'select', options: tri() })}
		<${Field} label=${t('From')} type="datetime-local" value=${toInput(q.from)} onInput=${(v) => set('from', fromInput(v))} />
		<${Field} label=${t('To')} type="datetime-local" value=${toInput(q.to)} onInput=${(v) => set('to', fromInput(v))} />
		</div><div class="actions"><a class="button" href="#/logs">${t('No filter')}</a>
		<a class="button" href=${`api/v1/logs/export${query({ ...q, format: 'csv' })}`}>CSV</a>
		<a class="button" href=${`api/v1/logs/export${query({ ...q, format: 'jsonl' })}`}>JSONL</a></div></details>`;
}

// Rows of a filter; asks for the next page when its end comes into sight.
function useRows(q) {
	const [state, set] = useState({ rows: [], next: null, busy: true });
	const key = JSON.stringify(q);
	const stop = useRef(null);
	const load = async (cursor, before) => {
		stop.current = new AbortController();
		set((s) => ({ ...s, busy: true, error: null }));
		try {
			const r = await get(`/logs${query({ ...q, cursor, limit: page })}`, { signal: stop.current.signal });
			set({ rows: [...before, ...r.rows], next: r.next, searched: r.searched_to, busy: false });
		} catch (error) {
			if (error.name !== 'AbortError')
				set((s) => ({ ...s, error, busy: false }));
		}
	};
	useEffect(() => {
		set({ rows: [], next: null, busy: true });
		load(undefined, []);
		return () => stop.current && stop.current.abort();
	}, [key]);
	return { ...state, more: () => load(state.next, state.rows), again: () => load(undefined, []),
	    add: (r) => set((s) => ({ ...s, rows: [r, ...s.rows].slice(0, 5000) })) };
}

function Rows({ rows, onOpen }) {
	return html`<div class="scroll"><table>
		<thead><tr><th>${t('Time')}</th><th>${t('Status')}</th><th>${t('Model asked for')}</th><th class="hide-small">${t('Sent')}</th><th>${t('Provider')}</th>
			<th class="num hide-small">${t('Tries')}</th><th class="num">${t('First byte')}</th><th class="num">${t('Duration')}</th>
			<th class="num hide-small">${t('In')}</th><th class="num hide-small">${t('Out')}</th><th class="hide-small">${t('Error')}</th></tr></thead>
		<tbody>${rows.map((r) => html`<tr key=${r.id} class="click" tabindex="0" onClick=${() => onOpen(r.request_id)}
			onKeyDown=${(e) => { if (e.key === 'Enter') onOpen(r.request_id); }}>
			<td class="nowrap">${when(r.time)}</td><td><${Status} code=${r.status} /></td><td class="clip">${r.model_asked}</td><td class="clip hide-small">${r.model_sent}</td>
			<td>${r.provider}</td><td class="num hide-small">${r.attempts}</td><td class="num">${us(r.ttfb_us)}</td><td class="num">${us(r.total_us)}</td>
			<td class="num hide-small">${r.input < 0 ? '–' : num(r.input)}</td><td class="num hide-small">${r.output < 0 ? '–' : num(r.output)}</td>
			<td class="clip hide-small" title=${r.error}>${r.error}</td></tr>`)}</tbody></table></div>`;
}

export function Logs({ query: q }) {
	const filter = { ...q };
	delete filter.open;
	const data = useRows(filter);
	const [follow, setFollow] = useState(false);
	const state = useEvents(follow ? `/logs/follow${query(filter)}` : null, { row: data.add });
	const end = useRef();
	const set = (name, value) => {
		const o = { ...filter, [name]: value };
		if (!value)
			delete o[name];
		go('logs', o, true);
	};
	const open = (id) => go('logs', { ...filter, ...(id ? { open: id } : {}) }, true);
	useEffect(() => {
		if (!end.current || !data.next || data.busy)
			return undefined;
		const o = new IntersectionObserver((e) => { if (e[0].isIntersecting) data.more(); }, { rootMargin: '400px' });
		o.observe(end.current);
		return () => o.disconnect();
	}, [data.next, data.busy]);
	return html`<${Filters} q=${filter} set=${set} />
	<${Panel} right=${html`${follow && html`<${Badge} kind=${state === 'live' ? 'good' : ''}>${state === 'live' ? t('live') : t('connecting …')}</${Badge}>`}
			<button aria-pressed=${follow} onClick=${() => setFollow(!follow)}>${follow ? t('Stop following') : t('Follow')}</button>`} title=${t('Requests')}>
		${data.error && html`<${Failure} error=${data.error} again=${data.again} />`}
		${data.rows.length > 0 && html`<${Rows} rows=${data.rows} onOpen=${open} />`}
		${data.busy && html`<${Skeleton} />`}
		${!data.busy && !data.error && data.rows.length === 0 && !data.next && html`<${Empty}>${Object.keys(filter).length ?
			html`${t('No request is like that.')} <a href="#/logs">${t('No filter')}</a>` : t('No request yet. The Connect page says how to send one.')}</${Empty}>`}
		${data.next && !data.busy && html`<div class="actions" ref=${end}><span class="dim">${data.searched && t('searched back to {time}', { time: when(data.searched) })}</span>
			<button onClick=${data.more}>${t('Older')}</button></div>`}
	</${Panel}>
	${q.open && html`<${Detail} id=${q.open} onClose=${() => open(null)} />`}`;
}

// --- one request --------------------------------------------------------------------

function Timing({ row }) {
	const total = Math.max(1, row.total_us);
	const first = row.ttfb_us < 0 ? total : row.ttfb_us;
	const tries = (row.tries || []).slice(0, -1).reduce((n, x) => n + (x.ms || 0) * 1000, 0);
	const parts = [['k3', t('attempts that failed'), Math.min(tries, first)], ['k2', t('waiting for the first byte'), Math.max(0, first - tries)],
	    ['k1', t('the answer'), Math.max(0, total - first)]];
	return html`<div class="timing" role="img" aria-label=${parts.map((p) => `${p[1]} ${us(p[2])}`).join(', ')}>
		${parts.map(([k, , v]) => html`<span key=${k} class=${k} style=${{ width: `${v / total * 100}%` }}></span>`)}</div>
		<p class="dim">${parts.filter((p) => p[2] > 0).map((p) => `${p[1]} ${us(p[2])}`).join(' · ')} · ${t('our own time')} ${us(row.overhead_us)}</p>`;
}

function Tries({ row }) {
	const list = Array.isArray(row.tries) ? row.tries : [];
	if (list.length === 0)
		return html`<p class="dim">${t('None: it was answered here.')}</p>`;
	return html`<div class="scroll"><table><thead><tr><th>${t('Provider')}</th><th>${t('Key')}</th><th>${t('Status')}</th><th class="num">${t('Duration')}</th><th>${t('Why')}</th></tr></thead>
		<tbody>${list.map((a, i) => html`<tr key=${i}><td>${a.provider}</td><td class="mono">${a.key || '–'}</td><td><${Status} code=${a.status} /></td><td class="num">${ms(a.ms)}</td><td>${a.why}</td></tr>`)}</tbody></table></div>`;
}

function Loss({ row }) {
	const list = Array.isArray(row.loss) ? row.loss : [];
	if (list.length === 0)
		return html`<p class="dim">${row.translated ? t('Nothing was lost in translation.') : t('Forwarded as it came.')}</p>`;
	return html`<div class="scroll"><table><thead><tr><th>${t('Field')}</th><th>${t('What happened')}</th><th>${t('Why')}</th></tr></thead>
		<tbody>${list.map((l, i) => html`<tr key=${i}><td class="mono">${l.path}</td><td><${Badge} kind=${l.action === 'approximated' ? '' : 'warn'}>${t(l.action)}</${Badge}></td><td>${l.why}</td></tr>`)}</tbody></table></div>`;
}

function pretty(b) {
	if (b.base64)
		return b.data;
	try {
		return JSON.stringify(JSON.parse(b.data), null, 2);
	} catch (e) {
		return b.data;
	}
}

const sideName = (b) => ({ client_request: t('from the client'), upstream_request: t('to the provider'),
    upstream_response: t('from the provider'), client_response: t('to the client') }[b.side]);

function Pieces({ pieces }) {
	if (pieces.length < 2)
		return null;
	const last = pieces[pieces.length - 1][1] || 1;
	const max = Math.max(...pieces.map((p) => p[0]));
	return html`<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label=${t('{n} pieces in {time}', { n: pieces.length, time: us(last) })}>
		${pieces.slice(0, 600).map((p, i) => html`<rect key=${i} x=${(p[1] / last * 99).toFixed(2)} y=${(32 - p[0] / max * 30).toFixed(1)} width="0.6" height=${(p[0] / max * 30).toFixed(1)} fill="currentColor"><title>${bytes(p[0])} · ${us(p[1])}</title></rect>`)}</svg>
		<p class="dim">${t('{n} pieces in {time}', { n: pieces.length, time: us(last) })}</p>`;
}

function Bodies({ list }) {
	if (list.length === 0)
		return html`<p class="dim">${t('Not kept. LOG_BODIES in app.yml says whose are.')}</p>`;
	return html`<div class="grid two">${list.map((b, i) => html`<section key=${i}><div class="bar"><h3>${sideName(b)}${b.attempt > 0 ? ` (${b.attempt + 1})` : ''}</h3>
		<span class="dim">${bytes(b.size)} ${b.status ? `· ${b.status}` : ''}</span><button class="small" onClick=${() => copy(b.data)}>${t('Copy')}</button></div>
		<pre tabindex="0">${pretty(b)}</pre><${Pieces} pieces=${b.pieces} /></section>`)}</div>`;
}

function curl(row, bodies) {
	const body = (bodies.find((b) => b.side === 'client_request') || {}).data || '{}';
	return `curl http://127.0.0.1:8000${row.path} -H 'Content-Type: application/json' -d '${body.replaceAll("'", "'\\''")}'`;
}

export function Detail({ id, onClose }) {
	const d = useGet(`/logs/${encodeURIComponent(id)}`);
	return html`<${Dialog} sheet=${true} title=${t('Request')} onClose=${onClose}><${Load} of=${d}>${({ row, bodies }) => html`
		<div class="bar"><${Status} code=${row.status} /> <span class="mono">${row.request_id}</span>
			<button class="small" onClick=${() => copy(row.request_id)}>${t('Copy')}</button>
			<button class="small" onClick=${() => copy(curl(row, bodies))}>${t('Copy as curl')}</button></div>
		${row.error && html`<div class="banner">${row.error}</div>`}
		<dl class="facts">
			<dt>${t('Begun')}</dt><dd>${when(row.time, true)}</dd>
			<dt>${t('Asked for')}</dt><dd>${row.model_asked || '–'}</dd><dt>${t('Sent')}</dt><dd>${row.model_sent || '–'} · ${row.provider || '–'}</dd>
			<dt>${t('Answered')}</dt><dd>${row.model_answered || '–'}</dd>
			<dt>${t('Dialects')}</dt><dd>${row.dialect} → ${row.target_dialect || '–'} ${row.stream ? html`<${Badge}>${t('streamed')}</${Badge}>` : ''} ${row.incomplete ? html`<${Badge} kind="bad">${t('incomplete')}</${Badge}>` : ''}</dd>
			<dt>${t('Path')}</dt><dd class="mono">${row.path}</dd><dt>${t('Routed by')}</dt><dd>${row.route || '–'}</dd>
			<dt>${t('Client')}</dt><dd>${row.client} · ${row.user_agent || '–'}</dd>
			<dt>${t('Ended')}</dt><dd>${row.close} · ${row.stop || '–'}</dd>
			<dt>${t('Provider’s id')}</dt><dd class="mono">${row.upstream_id || '–'}</dd>
			<dt>${t('Bytes')}</dt><dd>${t('in')} ${bytes(row.bytes_in)} · ${t('out')} ${bytes(row.bytes_out)}</dd>
			${row.cost !== undefined && html`<dt>${t('Cost')}</dt><dd>${row.cost < 0 ? t('unpriced') : money(row.cost)}</dd>`}
		</dl>
		<h3>${t('Time')}</h3><${Timing} row=${row} />
		<h3>${t('Attempts')}</h3><${Tries} row=${row} />
		<h3>${t('Tokens')}</h3><dl class="facts">${[['fresh input', row.input], ['read from the cache', row.cache_read], ['written to the cache', Math.max(row.cache_write_5m, row.cache_write_1h)],
			['output', row.output], ['reasoning', row.reasoning]].map(([k, v]) => html`<dt key=${k}>${t(k)}</dt><dd>${v < 0 ? t('not said') : num(v)}</dd>`)}</dl>
		<h3>${t('Loss report')}</h3><${Loss} row=${row} />
		<h3>${t('Bodies')}</h3><${Bodies} list=${bodies} />`}</${Load}></${Dialog}>`;
}
