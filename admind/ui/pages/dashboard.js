// How it goes: figures against the period before, over time, and what wants
// attention.
import { html, useMemo, useState, useGet, api, toast, query, go, t, num, short, percent, money, ms, ago } from '../lib.js';
import { Panel, Load, Segment, Spark, Chart, Empty, Badge } from '../parts.js';

// [address, name, seconds, step]
const spans = () => [['1h', t('1 hour'), 3600, 'minute'], ['24h', t('24 hours'), 86400, 'hour'],
    ['7d', t('7 days'), 7 * 86400, 'hour'], ['30d', t('30 days'), 30 * 86400, 'day'], ['1y', t('1 year'), 365 * 86400, 'day']];

// The end of the span on a whole step, so that an address stays the same for a while.
function useSpan(id) {
	const [, , seconds, step] = spans().find((s) => s[0] === id) || spans()[1];
	const unit = step === 'minute' ? 60 : step === 'hour' ? 3600 : 86400;
	const to = Math.ceil(Date.now() / 1000 / unit) * unit;
	return { seconds, step, unit, to, from: to - seconds };
}

const ratio = (a, b) => (b ? a / b : null);
const tokens = (s) => s.input + s.cache_read + s.cache_write + s.output + s.reasoning;

function Delta({ now, before, good }) {
	if (!before || now === null || now === undefined)
		return html`<span class="delta dim">${t('no figure before')}</span>`;
	const d = (now - before) / before;
	const kind = Math.abs(d) < 0.005 || !good ? 'dim' : (d > 0) === (good === 'up') ? 'good' : 'bad';
	const sign = d > 0 ? '▲' : d < 0 ? '▼' : '＝';
	return html`<span class=${`delta ${kind}`}>${sign} ${percent(Math.abs(d))} ${t('against before')}</span>`;
}

function Tile({ label, value, now, before, good, values, href }) {
	return html`<section class="panel tile"><div class="label">${href ? html`<a href=${href}>${label}</a>` : label}</div>
		<div class="value">${value}</div><${Delta} now=${now} before=${before} good=${good} />
		${values && html`<${Spark} values=${values} label=${label} />`}</section>`;
}

function Tiles({ now, before, span }) {
	const a = now.all;
	const b = before ? before.all : null;
	const at = new Map(now.points.map((p) => [p.start, p]));
	const of = (f) => Array.from({ length: span.seconds / span.unit }, (_, i) => {
		const p = at.get(span.from + i * span.unit);
		return p ? f(p) : 0;
	});
	const list = [
		[t('Requests'), num(a.requests), a.requests, b && b.requests, null, of((p) => p.requests), '#/logs'],
		[t('Error rate'), percent(ratio(a.errors, a.requests)), ratio(a.errors, a.requests), b && ratio(b.errors, b.requests),
		    'down', of((p) => ratio(p.errors, p.requests) || 0), '#/logs?status=error'],
		[t('Tokens'), short(tokens(a)), tokens(a), b && tokens(b), null, of(tokens)],
		[t('Cost'), a.requests && a.unpriced === a.requests ? t('unpriced') : money(a.cost), a.cost, b && b.cost, 'down', of((p) => p.cost)],
		[t('Median duration'), ms(a.total_ms && a.total_ms.p50), a.total_ms && a.total_ms.p50, b && b.total_ms && b.total_ms.p50,
		    'down', of((p) => (p.total_ms ? p.total_ms.p50 : 0))],
		[t('Duration, 95 %'), ms(a.total_ms && a.total_ms.p95), a.total_ms && a.total_ms.p95, b && b.total_ms && b.total_ms.p95,
		    'down', of((p) => (p.total_ms ? p.total_ms.p95 : 0))],
		[t('First byte'), ms(a.ttfb_ms && a.ttfb_ms.p50), a.ttfb_ms && a.ttfb_ms.p50, b && b.ttfb_ms && b.ttfb_ms.p50,
		    'down', of((p) => (p.ttfb_ms ? p.ttfb_ms.p50 : 0))],
		[t('Our overhead'), ms(a.overhead_ms && a.overhead_ms.p50 / 1000), a.overhead_ms && a.overhead_ms.p50,
		    b && b.overhead_ms && b.overhead_ms.p50, 'down', of((p) => (p.overhead_ms ? p.overhead_ms.p50 : 0))],
	];
	return html`<div class="grid tiles">${list.map(([label, value, n, o, good, values, href]) => html`<${Tile} key=${label} label=${label}
		value=${value} now=${n} before=${o} good=${good} values=${values} href=${href} />`)}</div>`;
}

const measures = () => [['requests', t('Requests'), (p) => p.requests, num], ['errors', t('Errors'), (p) => p.errors, num],
    ['tokens', t('Tokens'), tokens, short], ['cost', t('Cost'), (p) => p.cost, money],
    ['p95', t('Duration, 95 %'), p95, ms]];

// Where nothing happened there is no duration, but there are 0 requests.
const p95 = (p) => (p.total_ms ? p.total_ms.p95 : null);
p95.gaps = true;

const keep = 7;

// Points to one line a name; small ones together as "other".
function lines(d, unit, f, other) {
	const times = [];
	for (let x = d.from; x < d.to; x += unit)
		times.push(x);
	const at = new Map(times.map((x, i) => [x, i]));
	const sums = [...d.names].sort((a, b) => b.requests - a.requests).map((n) => n.name);
	const series = new Map();
	for (const p of d.points) {
		const name = sums.indexOf(p.name) < keep ? p.name : other;
		if (!series.has(name))
			series.set(name, times.map(() => (f.gaps ? null : 0)));
		const i = at.get(p.start - p.start % unit);
		const v = f(p);
		if (i !== undefined && v !== null)
			series.get(name)[i] = (series.get(name)[i] || 0) + v;
	}
	return { times, series: [...series].map(([name, values]) => ({ name: name || t('all'), values })) };
}

function Over({ span }) {
	const [by, setBy] = useState('provider');
	const [what, setWhat] = useState('requests');
	const d = useGet(`/stats${query({ by, from: span.from, to: span.to, step: span.step })}`, 30);
	const [, name, f, format] = measures().find((m) => m[0] === what);
	const drawn = useMemo(() => d.data && lines(d.data, span.unit, f, t('other')), [d.data, what, span.unit]);
	const options = [['provider', t('provider')], ['model', t('model')], ['key', t('key')], ['tenant', t('tenant')]];
	return html`<${Panel} title=${t('Over time')} right=${html`
			<${Segment} label=${t('Figure')} value=${what} options=${measures().map((m) => [m[0], m[1]])} onChange=${setWhat} />
			<${Segment} label=${t('By')} value=${by} options=${options} onChange=${setBy} />`}>
		<${Load} of=${d}>${(x) => (x.points.length === 0 ? html`<${Empty}>${t('Nothing happened in this time.')}</${Empty}>` :
			html`<${Chart} label=${`${name}, ${t(by)}`} times=${drawn.times} series=${drawn.series} format=${format} />
			<${Names} names=${x.names} by=${by} />`)}</${Load}>
	</${Panel}>`;
}

function Names({ names, by }) {
	const list = [...names].sort((a, b) => b.requests - a.requests).slice(0, 10);
	const link = (n) => (by === 'provider' ? `#/logs${query({ provider: n.name })}` : by === 'key' ? `#/logs${query({ key_id: n.name })}` :
	    by === 'model' ? `#/logs${query({ provider: n.name.split('/')[0], sent: n.name.split('/').slice(1).join('/') })}` : null);
	return html`<div class="scroll"><table><thead><tr><th>${t(by)}</th><th class="num">${t('Requests')}</th><th class="num">${t('Error rate')}</th>
		<th class="num">${t('Tokens')}</th><th class="num">${t('Cost')}</th><th class="num">${t('Median duration')}</th></tr></thead>
		<tbody>${list.map((n) => html`<tr key=${n.name}><td>${link(n) ? html`<a href=${link(n)}>${n.name || '–'}</a>` : n.name}</td>
			<td class="num">${num(n.requests)}</td><td class="num">${percent(ratio(n.errors, n.requests))}</td><td class="num">${short(tokens(n))}</td>
			<td class="num">${n.unpriced === n.requests ? t('unpriced') : money(n.cost)}</td><td class="num">${ms(n.total_ms && n.total_ms.p50)}</td></tr>`)}</tbody></table></div>`;
}

// A bar a stretch of time: how many of its requests went well.
function Availability({ points, span }) {
	const bars = 48;
	const width = span.seconds / bars;
	const list = Array.from({ length: bars }, (_, i) => ({ n: 0, bad: 0, from: span.from + i * width }));
	for (const p of points) {
		const b = list[Math.min(bars - 1, Math.max(0, Math.floor((p.start - span.from) / width)))];
		b.n += p.requests;
		b.bad += p.errors;
	}
	const text = (b) => (b.n ? t('{n} requests, {p} well', { n: num(b.n), p: percent(1 - b.bad / b.n) }) : t('none'));
	return html`<div class="avail" role="img" aria-label=${t('Share of requests that went well, over time')}>
		${list.map((b, i) => html`<i key=${i} title=${text(b)} class=${!b.n ? '' : b.bad === 0 ? 'good' : b.bad / b.n < 0.1 ? 'warn' : 'bad'}></i>`)}</div>`;
}

// The button that mends it: what rests a key is forgotten, and it is tried again.
function Reset({ id }) {
	const [done, set] = useState(false);
	const press = async () => {
		set(true);
		try {
			await api('POST', `/keys/${id}/reset`);
			toast(t('The key serves again.'), true);
		} catch (e) {
			set(false);
			toast(e.message, true);
		}
	};
	return html` <button class="small" disabled=${done} onClick=${press}>${t('Reset')}</button>`;
}

function Attention({ figures, user }) {
	const list = [];
	const admin = user && user.role === 'admin';
	const p = figures && figures.proxyd;
	const budgets = useGet('/budgets?percent=80', 30);
	for (const w of (p && p.warnings) || [])
		list.push(['warn', w]);
	for (const c of (figures && figures.providers) || [])
		if (c.circuit && c.circuit !== 'closed')
			list.push(['bad', t('Provider {name} fails: its circuit is {state}', { name: c.name || c.provider, state: c.circuit }), null, 'providers', { provider: c.name || c.provider }]);
	for (const k of (figures && figures.keys) || []) {
		if (k.state && k.state !== 'active')
			list.push([k.state === 'cooling' ? 'warn' : 'bad', t('Key {key} of {provider}: {state}', { key: k.name, provider: k.provider, state: t(k.state) }), k]);
		else if (k.total_requests >= 10 && k.success_rate !== null && k.success_rate < 0.5)
			list.push(['warn', t('Key {key} of {provider} fails more often than not', { key: k.name, provider: k.provider }), k]);
	}
	for (const b of ((budgets.data && budgets.data.budgets) || []).filter((x) => x.enabled)) {
		const what = { name: b.name, p: percent(b.share), spent: money(b.spent * 1e6), limit: money(b.limit * 1e6), period: { day: t('budget of the day'), month: t('budget of the month'), total: t('whole budget') }[b.period] };
		list.push([b.share >= 1 ? 'bad' : 'warn', b.kind === 'tenant' ? t('Tenant {name} has spent {p} of its {period}: {spent} of {limit}', what) :
		    t('Client key {name} has spent {p} of its {period}: {spent} of {limit}', what), null, `tenants${query({ [b.kind]: b.id })}`]);
	}
	return html`<${Panel} title=${t('Wants attention')}>
		${list.length === 0 ? html`<p><span class="light good"></span> ${t('Nothing does.')}</p>` :
		html`<ul>${list.map(([kind, text, k, mend, failures = k && { key_id: k.key_id }]) => html`<li key=${text}><${Badge} kind=${kind}>${kind === 'bad' ? t('fault') : t('notice')}</${Badge}> ${text}
			${mend && html` <a href=${`#/${mend}`}>${admin ? t('Change') : t('Look')}</a>`}
			${failures && html` <a href=${`#/logs${query({ ...failures, failed: 'true' })}`}>${t('its failures')}</a>`}
			${admin && k && (k.state === 'parked' || k.state === 'cooling') && html`<${Reset} key=${`${k.key_id}${k.state}`} id=${k.key_id} />`}</li>`)}</ul>`}
	</${Panel}>`;
}

function Keys({ figures }) {
	const keys = (figures && figures.keys) || [];
	const pools = [...new Set(keys.map((k) => k.provider))];
	return html`<${Panel} title=${t('Keys')}>
		${keys.length === 0 ? html`<${Empty}>${t('No key yet: only the mock provider can answer.')}</${Empty}>` :
		pools.map((p) => html`<h3>${p}</h3><div class="board">${keys.filter((k) => k.provider === p).map((k) => html`<div class="card" key=${k.key_id}>
			<div><span class=${`light ${!k.state || k.state === 'active' ? 'good' : k.state === 'cooling' ? 'warn' : 'bad'}`}></span> <span class="mono">${k.name}</span></div>
			<div class="dim">${t('{n} requests', { n: num(k.total_requests) })} · ${percent(k.success_rate)} · ${t('{n} in flight', { n: k.in_flight })}</div>
			<div class="dim">${k.last_used ? ago((Date.now() - new Date(k.last_used)) / 1000) : t('never used')}</div></div>`)}</div>`)}
	</${Panel}>`;
}

export function Dashboard({ query: q, figures, user }) {
	const id = q.span || '24h';
	const span = useSpan(id);
	const now = useGet(`/stats${query({ by: 'all', from: span.from, to: span.to, step: span.step })}`, 15);
	const before = useGet(`/stats${query({ by: 'all', from: span.from - span.seconds, to: span.from, points: 'false' })}`);
	return html`<div class="bar"><${Segment} label=${t('Time')} value=${id} options=${spans().map((s) => [s[0], s[1]])}
			onChange=${(v) => go('dashboard', { span: v }, true)} /></div>
		<${Load} of=${now} lines=${6}>${(d) => html`<${Tiles} now=${d} before=${before.data} span=${span} />
			<${Panel} title=${t('Availability')}><${Availability} points=${d.points} span=${span} /></${Panel}>`}</${Load}>
		<div class="grid two"><${Attention} figures=${figures} user=${user} /><${Keys} figures=${figures} /></div>
		<${Over} span=${span} />`;
}
