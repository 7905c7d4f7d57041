// This moment: workers, counters, and rows as requests end.
import { html, useState, useEvents, t, num, ms, us, when } from '../lib.js';
import { Panel, Status, Empty, Badge, Skeleton } from '../parts.js';
import { Detail } from './logs.js';

const keep = 100;

export function Live({ figures }) {
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
	<${Panel} title=${t('Requests as they end')} right=${html`<${Badge} kind=${state === 'live' ? 'good' : ''}>${paused ? t('paused') : state === 'live' ? t('live') : t('connecting …')}</${Badge}>
			<button onClick=${() => setPaused(!paused)}>${paused ? t('Go on') : t('Pause')}</button>`}>
		${rows.length === 0 ? html`<${Empty}>${t('Waiting for the next request.')}</${Empty}>` : html`<div class="scroll"><table>
			<thead><tr><th>${t('Time')}</th><th>${t('Status')}</th><th>${t('Model')}</th><th>${t('Provider')}</th><th class="num">${t('First byte')}</th><th class="num">${t('Duration')}</th><th class="num">${t('Tokens')}</th></tr></thead>
			<tbody>${rows.map((r) => html`<tr key=${r.id} class="click" tabindex="0" onClick=${() => setOpen(r.request_id)}
				onKeyDown=${(e) => { if (e.key === 'Enter') setOpen(r.request_id); }}>
				<td class="nowrap">${when(r.time)}</td><td><${Status} code=${r.status} /></td><td class="clip">${r.model_asked}</td><td>${r.provider}</td>
				<td class="num">${us(r.ttfb_us)}</td><td class="num">${us(r.total_us)}</td><td class="num">${r.output < 0 ? '–' : num(Math.max(0, r.input) + Math.max(0, r.output))}</td></tr>`)}</tbody></table></div>`}
	</${Panel}>
	<${Panel} title=${t('Workers')}>${!p ? html`<${Skeleton} />` : html`<div class="scroll"><table>
		<thead><tr><th>${t('Worker')}</th><th>${t('State')}</th><th class="num">pid</th><th class="num">${t('In flight')}</th><th class="num">${t('Connections')}</th><th class="num">${t('Last sign of life')}</th></tr></thead>
		<tbody>${workers.map((w) => html`<tr key=${w.slot}><td>${w.slot}</td><td>${t(w.state)}</td><td class="num">${w.pid}</td><td class="num">${w.in_flight}</td><td class="num">${w.connections}</td><td class="num">${ms(w.beat_ms)}</td></tr>`)}</tbody></table></div>`}
	</${Panel}>
	${p && p.counters && html`<${Panel} title=${t('Counters since the start')}><dl class="facts">
		${Object.entries(p.counters).map(([k, v]) => html`<dt key=${k} class="mono">${k}</dt><dd>${num(v)} <span class="dim">${(p.counter_texts || {})[k] || ''}</span></dd>`)}</dl></${Panel}>`}
	${open && html`<${Detail} id=${open} onClose=${() => setOpen(null)} />`}`;
}
