// The request log: filters in the address, pages as one scrolls, one request in
// full is request.js.
import { html, useState, useEffect, useRef, useEvents, useGet, get, query, go, t, num, us, when, told, at } from '../lib.js';
import { Panel, Status, Empty, Badge, Field, Failure, Skeleton } from '../parts.js';
import { Detail } from './request.js';

const page = 60;

// Local date and time as an input takes it, and back to milliseconds.
const toInput = (v) => (v ? new Date(Number(v) - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : '');
const fromInput = (v) => (v ? String(new Date(v).getTime()) : '');

const tri = () => [['', t('any')], ['true', t('yes')], ['false', t('no')]];
const dialects = () => [['', t('any')], ['openai-chat', 'OpenAI Chat'], ['openai-responses', 'OpenAI Responses'],
    ['anthropic', 'Anthropic'], ['gemini', 'Gemini']];

function Filters({ q, set }) {
	const tenants = useGet('/tenants');
	const keys = useGet('/client-keys');
	const named = (list) => [['', t('any')], ...(list || []).map((o) => [String(o.id), o.name])];
	const text = (name, label, more = {}) => html`<${Field} label=${label} value=${q[name] || ''} onInput=${(v) => set(name, v)} ...${more} />`;
	return html`<details class="panel" open=${Object.keys(q).length > 0}><summary>${t('Filter')}
		${Object.keys(q).length > 0 && html` <${Badge}>${Object.keys(q).length}</${Badge}>`}</summary>
		<div class="filters">
		${text('status', t('Status'), { placeholder: '429, 5xx, error' })}
		${text('model', t('Model asked for'))}${text('sent', t('Model sent'))}${text('provider', t('Provider'))}
		${text('dialect', t('Client’s dialect'), { type: 'select', options: dialects() })}
		${text('key_id', t('Key id'), { inputmode: 'numeric' })}${text('error', t('Text of the error'))}
		${tenants.data && tenants.data.tenants.length > 0 && text('tenant_id', t('Tenant'), { type: 'select', options: named(tenants.data.tenants) })}
		${keys.data && keys.data.client_keys.length > 0 && text('client_key_id', t('Client key'), { type: 'select', options: named(keys.data.client_keys) })}
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
		<thead><tr><th>${t('Time')}</th><th>${t('Status')}</th><th>${t('Model asked for')}</th><th class="hide-small">${t('Sent')}</th><th class="hide-small">${t('Provider')}</th>
			<th class="num hide-small">${t('Tries')}</th><th class="num hide-small">${t('First byte')}</th><th class="num">${t('Duration')}</th>
			<th class="num hide-small">${t('In')}</th><th class="num hide-small">${t('Out')}</th><th class="hide-small">${t('Error')}</th></tr></thead>
		<tbody>${rows.map((r) => html`<tr key=${r.id} class="click" tabindex="0" onClick=${() => onOpen(r.request_id)}
			onKeyDown=${(e) => { if (e.key === 'Enter') onOpen(r.request_id); }}>
			<td class="nowrap" title=${when(r.time)}>${at(r.time)}</td><td><${Status} code=${r.status} /></td><td class="clip">${r.model_asked || html`<span class="dim">${r.path}</span>`}</td><td class="clip hide-small">${r.model_sent}</td>
			<td class="hide-small">${r.provider}</td><td class="num hide-small">${r.attempts}</td><td class="num hide-small">${us(r.ttfb_us)}</td><td class="num">${us(r.total_us)}</td>
			<td class="num hide-small">${r.input < 0 ? '–' : num(r.input)}</td><td class="num hide-small">${r.output < 0 ? '–' : num(r.output)}</td>
			<td class="clip rest hide-small" title=${told(r.error)}>${told(r.error)}</td></tr>`)}</tbody></table></div>`;
}

export function Logs({ query: q, user, figures }) {
	const filter = { ...q };
	delete filter.open;
	const data = useRows(filter);
	const [follow, setFollow] = useState(false);
	const state = useEvents(follow ? `/logs/follow${query({ ...filter, from: null, to: null })}` : null, { row: data.add });
	const end = useRef();
	// What ends now is not before any time.
	const turn = () => { setFollow(!follow); if (!follow && filter.to) set('to', ''); };
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
			<button aria-pressed=${follow} onClick=${turn}>${follow ? t('Stop following') : t('Follow')}</button>`} title=${t('Newest first')}>
		${data.error && html`<${Failure} error=${data.error} again=${data.again} />`}
		${data.rows.length > 0 && html`<${Rows} rows=${data.rows} onOpen=${open} />`}
		${data.busy && html`<${Skeleton} />`}
		${!data.busy && !data.error && data.rows.length === 0 && !data.next && html`<${Empty}>${Object.keys(filter).length ?
			html`${t('No request is like that.')} <a href="#/logs">${t('No filter')}</a>` : t('No request yet. The Connect page says how to send one.')}</${Empty}>`}
		${data.next && !data.busy && html`<div class="actions" ref=${end}><span class="dim">${data.searched && t('searched back to {time}', { time: when(data.searched) })}</span>
			<button onClick=${data.more}>${t('Older')}</button></div>`}
	</${Panel}>
	${q.open && html`<${Detail} key=${q.open} id=${q.open} user=${user} figures=${figures} onClose=${() => open(null)} />`}`;
}
