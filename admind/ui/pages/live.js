// This moment: workers, counters, and rows as requests end.
import { html, useState, useEvents, useGet, api, t, num, ms, us, when, toast, at } from '../lib.js';
import { Panel, Status, Empty, Badge, Skeleton, Confirm, Failure, Cards } from '../parts.js';
import { Detail } from './request.js';

const keep = 100;

const nameOf = (r) => `${r.model_asked || '?'} · ${r.user_agent || r.client}`;

// What runs, the oldest first, and the button that ends one.
function Flight({ admin }) {
	const d = useGet('/requests', 1);
	const [end, setEnd] = useState(null);
	const list = d.data ? [...d.data.requests].sort((a, b) => b.age_ms - a.age_ms) : [];
	const hidden = d.data ? Math.max(0, d.data.in_flight - list.length) : 0;
	return html`<${Panel} title=${t('In flight')} right=${d.data && html`<${Badge}>${num(Math.max(d.data.in_flight, list.length))}</${Badge}>`}>
		${d.error && html`<${Failure} error=${d.error} />`}
		${!d.data ? html`<${Skeleton} lines=${2} />` : list.length === 0 ? html`<${Empty}>${t('Nothing is in flight.')}</${Empty}>` : html`<div class="scroll"><table>
			<thead><tr><th class="num">${t('Age')}</th><th>${t('Model')}</th><th class="hide-small">${t('Target')}</th><th class="num">${t('Tokens so far')}</th><th class="num hide-small">${t('Tries')}</th><th class="hide-small">${t('Client')}</th><th></th></tr></thead>
			<tbody>${list.map((r) => html`<tr key=${r.id}><td class="num">${ms(r.age_ms)}</td><td class="clip">${r.model_asked || '–'}<div class="dim">${r.dialect} ${r.stream ? t('streamed') : ''}</div></td>
				<td class="clip hide-small">${r.provider || '–'}<div class="dim">${r.model_sent}</div></td><td class="num">${r.tokens ? `≈ ${num(r.tokens)}` : '–'}</td><td class="num hide-small">${r.attempts}</td>
				<td class="clip hide-small">${r.tenant || r.client}<div class="dim">${r.user_agent}</div></td>
				<td class="num">${admin && html`<button class="small danger" onClick=${() => setEnd(r)}>${t('End it')}<span class="sr"> ${nameOf(r)}</span></button>`}</td></tr>`)}</tbody></table></div>
			${hidden > 0 && html`<p class="dim">${t('and {n} more', { n: num(hidden) })}</p>`}`}
	</${Panel}>
	${end && html`<${Confirm} keeps=${false} title=${t('End the request “{name}”?', { name: nameOf(end) })} yes=${t('End it')} onClose=${() => setEnd(null)}
		text=${t('Its client gets an error, and what was said so far is paid for. This cannot be undone.')}
		onYes=${async () => { await api('DELETE', `/requests/${encodeURIComponent(end.id)}`); toast(t('It was told to end.')); d.reload(); }} />`}`;
}

export function Live({ figures, user }) {
	const [rows, setRows] = useState([]);
	const [paused, setPaused] = useState(false);
	const [open, setOpen] = useState(null);
	const state = useEvents(paused ? null : '/logs/follow', { row: (r) => setRows((l) => [r, ...l].slice(0, keep)) });
	const p = figures && figures.proxyd;
	const workers = (p && p.workers) || [];
	const sum = (f) => workers.reduce((n, w) => n + (w[f] || 0), 0);
	return html`
	<div class="grid tiles">
		<section class="panel tile"><div class="label">${t('In flight')}</div><div class="value">${p ? num(sum('in_flight')) : '–'}</div></section>
		<section class="panel tile"><div class="label">${t('Connections')}</div><div class="value">${p ? num(sum('connections')) : '–'}</div></section>
		<section class="panel tile"><div class="label">${t('Workers')}</div><div class="value">${p ? workers.length : '–'}</div></section>
		<section class="panel tile"><div class="label">${t('Requests since the start')}</div><div class="value">${p && p.counters ? num(p.counters.requests) : '–'}</div></section>
	</div>
	<${Flight} admin=${user.role === 'admin'} />
	<${Panel} title=${t('Requests as they end')} right=${html`<${Badge} kind=${state === 'live' ? 'good' : ''}>${paused ? t('paused') : state === 'live' ? t('live') : t('connecting …')}</${Badge}>
			<button onClick=${() => setPaused(!paused)}>${paused ? t('Go on') : t('Pause')}</button>`}>
		${rows.length === 0 ? html`<${Empty}>${t('Waiting for the next request.')}</${Empty}>` : html`<div class="scroll"><table>
			<thead><tr><th>${t('Time')}</th><th>${t('Status')}</th><th>${t('Model')}</th><th>${t('Provider')}</th><th class="num">${t('First byte')}</th><th class="num">${t('Duration')}</th><th class="num">${t('Tokens')}</th></tr></thead>
			<tbody>${rows.map((r) => html`<tr key=${r.id} class="click" tabindex="0" onClick=${() => setOpen(r.request_id)}
				onKeyDown=${(e) => { if (e.key === 'Enter') setOpen(r.request_id); }}>
				<td class="nowrap" title=${when(r.time)}>${at(r.time)}</td><td><${Status} code=${r.status} /></td><td class="clip">${r.model_asked}</td><td>${r.provider}</td>
				<td class="num">${us(r.ttfb_us)}</td><td class="num">${us(r.total_us)}</td><td class="num">${r.output < 0 ? '–' : num(Math.max(0, r.input) + Math.max(0, r.output))}</td></tr>`)}</tbody></table></div>`}
	</${Panel}>
	<${Panel} title=${t('Workers')}>${!p ? html`<${Skeleton} />` : workers.length === 0 ? html`<${Empty}>${t('proxyd is not running')}</${Empty}>` : html`<${Cards}><table>
		<thead><tr><th>${t('Worker')}</th><th>${t('State')}</th><th class="num">pid</th><th class="num">${t('In flight')}</th><th class="num">${t('Connections')}</th><th class="num">${t('Last sign of life')}</th></tr></thead>
		<tbody>${workers.map((w) => html`<tr key=${w.slot}><td>${t('worker {n}', { n: w.slot })}</td><td class="nowrap">${t(w.state)}</td><td class="num">${w.pid}</td><td class="num">${w.in_flight}</td><td class="num">${w.connections}</td><td class="num">${ms(w.beat_ms)}</td></tr>`)}</tbody></table></${Cards}>`}
	</${Panel}>
	${p && p.counters && html`<${Panel} title=${t('Counters since the start')}><dl class="facts">
		${Object.entries(p.counters).map(([k, v]) => html`<dt key=${k} class="mono">${k}</dt><dd>${num(v)} <span class="dim">${(p.counter_texts || {})[k] ? t(p.counter_texts[k]) : ''}</span></dd>`)}</dl></${Panel}>`}
	${open && html`<${Detail} id=${open} user=${user} figures=${figures} onClose=${() => setOpen(null)} />`}`;
}
