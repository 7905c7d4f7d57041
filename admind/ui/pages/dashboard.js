// How it goes: figures against the period before, over time, and what wants
// attention.
import { html, useMemo, useState, useGet, api, toast, query, go, t, num, short, percent, money, ms, ago, when, told } from '../lib.js';
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
		if (i === undefined || v === null)
			continue;
		// Durations of several are no sum: the worst of them.
		const before = series.get(name)[i] || 0;
		series.get(name)[i] = f.gaps ? Math.max(before, v) : before + v;
	}
	return { times, series: [...series].map(([name, values]) => ({ name: name || t('all'), values })) };
}

// What figures call by its id, by its name; where it is gone, its number stays.
function useNames(by, figures) {
	const list = useGet(by === 'tenant' ? '/tenants' : by === 'client_key' ? '/client-keys' : null);
	const rows = by === 'key' ? ((figures && figures.keys) || []).map((k) => [k.key_id, `${k.provider} ${k.name}`]) :
	    list.data ? (list.data.tenants || list.data.client_keys || []).map((o) => [o.id, o.name]) : [];
	const names = new Map(rows.map(([id, name]) => [String(id), name]));
	return (n) => (['key', 'tenant', 'client_key'].includes(by) ? names.get(n) || (/^\d+$/.test(n) ? `# ${n}` : n) : n);
}

function Over({ span, figures }) {
	const [by, setBy] = useState('provider');
	const [what, setWhat] = useState('requests');
	const d = useGet(`/stats${query({ by, from: span.from, to: span.to, step: span.step })}`, 30);
	const nameOf = useNames(by, figures);
	const [, name, f, format] = measures().find((m) => m[0] === what);
	const drawn = useMemo(() => d.data && lines(d.data, span.unit, f, t('other')), [d.data, what, span.unit]);
	const options = [['provider', t('provider')], ['model', t('model')], ['key', t('key')], ['tenant', t('tenant')], ['client_key', t('client key')]];
	return html`<${Panel} title=${t('Over time')} right=${html`
			<${Segment} label=${t('Figure')} value=${what} options=${measures().map((m) => [m[0], m[1]])} onChange=${setWhat} />
			<${Segment} label=${t('By')} value=${by} options=${options} onChange=${setBy} />`}>
		<${Load} of=${d}>${(x) => (x.points.length === 0 ? html`<${Empty}>${t('Nothing happened in this time.')} <a href="#/connect">${t('Connect')}</a></${Empty}>` :
			html`<${Chart} label=${`${name}, ${t(by.replace('_', ' '))}`} times=${drawn.times} series=${drawn.series} nameOf=${nameOf} format=${format} />
			<${Names} names=${x.names} by=${by} nameOf=${nameOf} />`)}</${Load}>
	</${Panel}>`;
}

function Names({ names, by, nameOf }) {
	const list = [...names].sort((a, b) => b.requests - a.requests).slice(0, 10);
	const link = (n) => (by === 'provider' ? `#/logs${query({ provider: n.name })}` : by === 'key' ? `#/logs${query({ key_id: n.name })}` :
	    by === 'tenant' ? `#/logs${query({ tenant_id: n.name })}` : by === 'client_key' ? `#/logs${query({ client_key_id: n.name })}` :
	    by === 'model' ? `#/logs${query({ provider: n.name.split('/')[0], sent: n.name.split('/').slice(1).join('/') })}` : null);
	return html`<div class="scroll"><table><thead><tr><th>${t(by.replace('_', ' '))}</th><th class="num">${t('Requests')}</th><th class="num">${t('Error rate')}</th>
		<th class="num hide-small">${t('Tokens')}</th><th class="num">${t('Cost')}</th><th class="num hide-small">${t('Median duration')}</th></tr></thead>
		<tbody>${list.map((n) => html`<tr key=${n.name}><td>${link(n) ? html`<a href=${link(n)}>${nameOf(n.name) || '–'}</a>` : n.name}</td>
			<td class="num">${num(n.requests)}</td><td class="num">${percent(ratio(n.errors, n.requests))}</td><td class="num hide-small">${short(tokens(n))}</td>
			<td class="num">${n.unpriced === n.requests ? t('unpriced') : money(n.cost)}</td><td class="num hide-small">${ms(n.total_ms && n.total_ms.p50)}</td></tr>`)}</tbody></table></div>`;
}

// A bar a stretch of time, of whole steps: how many of its requests went well.
function bars(points, span) {
	const units = Math.round(span.seconds / span.unit);
	const width = Math.ceil(units / 60) * span.unit;
	const list = Array.from({ length: Math.ceil(span.seconds / width) }, (_, i) => ({ n: 0, bad: 0, from: span.from + i * width }));
	for (const p of points) {
		const b = list[Math.min(list.length - 1, Math.max(0, Math.floor((p.start - span.from) / width)))];
		b.n += p.requests;
		b.bad += p.errors;
	}
	return list;
}

const went = (b) => (b.n ? t('{n} attempts, {p} well', { n: num(b.n), p: percent(1 - b.bad / b.n) }) : t('none'));

// A row a provider, those that were asked most: of its attempts, as what was refused before it was asked says nothing
// of it, and what another answered in its place says much.
function Availability({ span }) {
	const d = useGet(`/stats${query({ by: 'attempts', from: span.from, to: span.to, step: span.step })}`, 30);
	const rows = (x) => [...x.names].filter((n) => n.name).sort((a, b) => b.requests - a.requests).slice(0, 8)
		.map((n) => [n, bars(x.points.filter((p) => p.name === n.name), span)]);
	return html`<${Panel} title=${t('Availability')}><${Load} of=${d}>${(x) => (rows(x).length === 0 ? html`<${Empty}>${t('Nothing happened in this time.')}</${Empty}>` :
		html`<div class="avails">${rows(x).map(([n, list]) => html`<a key=${n.name} href=${`#/logs${query({ provider: n.name, failed: 'true' })}`}>${n.name}</a>
			<div class="avail" role="img" aria-label=${`${n.name}: ${went({ n: n.requests, bad: n.errors })}`}>
				${list.map((b) => html`<i key=${b.from} title=${`${when(b.from)} · ${went(b)}`} class=${!b.n ? '' : b.bad === 0 ? 'good' : b.bad / b.n < 0.1 ? 'warn' : 'bad'}></i>`)}</div>
			<span class="num">${percent(1 - n.errors / n.requests)}</span>`)}</div>`)}</${Load}></${Panel}>`;
}

// The button that mends it: what rests a key, or has a provider left alone, is
// forgotten, and it is tried again.
function Reset({ path, done: said }) {
	const [done, set] = useState(false);
	const press = async () => {
		set(true);
		try {
			await api('POST', `${path}/reset`);
			toast(said, true);
		} catch (e) {
			set(false);
			toast(e.message, true);
		}
	};
	return html`<button class="small" disabled=${done} onClick=${press}>${t('Reset')}</button>`;
}

function Attention({ figures, user }) {
	const list = [];
	const admin = user && user.role === 'admin';
	const p = figures && figures.proxyd;
	const budgets = useGet('/budgets?percent=80', 30);
	const failing = ((figures && figures.providers) || []).some((c) => c.enabled && c.circuit !== 'closed');
	const providers = useGet(failing ? '/providers' : null);
	const ids = new Map(providers.data ? providers.data.providers.map((x) => [x.name, x.id]) : []);
	if (p && !p.running)
		list.push({ kind: 'bad', text: t('proxyd is not running: no request is served') });
	for (const w of (p && p.warnings) || [])
		list.push({ kind: 'warn', text: told(w) });
	for (const c of (figures && figures.providers) || [])
		if (c.enabled && c.circuit !== 'closed')
			list.push({ kind: c.circuit === 'open' ? 'bad' : 'warn', text: c.circuit === 'open' ? t('Provider {name} fails, and is left alone', { name: c.name }) :
			    t('Provider {name} failed, and is being tried again', { name: c.name }), failures: { provider: c.name },
			    provider: c.name, mend: 'providers' });
	for (const k of (figures && figures.keys) || []) {
		if (k.state && k.state !== 'active')
			list.push({ kind: k.state === 'cooling' ? 'warn' : 'bad', text: t('Key {key} of {provider}: {state}', { key: k.name, provider: k.provider, state: t(k.state) }),
			    key: k, failures: { key_id: k.key_id } });
		else if (k.total_requests >= 10 && k.success_rate !== null && k.success_rate < 0.5)
			list.push({ kind: 'warn', text: t('Key {key} of {provider} fails more often than not', { key: k.name, provider: k.provider }), key: k, failures: { key_id: k.key_id } });
	}
	for (const b of ((budgets.data && budgets.data.budgets) || []).filter((x) => x.enabled)) {
		const what = { name: b.name, p: percent(b.share), spent: money(b.spent * 1e6), limit: money(b.limit * 1e6), period: { day: t('budget of the day'), month: t('budget of the month'), total: t('whole budget') }[b.period] };
		list.push({ kind: b.share >= 1 ? 'bad' : 'warn', text: b.kind === 'tenant' ? t('Tenant {name} has spent {p} of its {period}: {spent} of {limit}', what) :
		    t('Client key {name} has spent {p} of its {period}: {spent} of {limit}', what), mend: `tenants${query({ [b.kind]: b.id })}` });
	}
	return html`<${Panel} title=${t('Wants attention')}>
		${list.length === 0 ? html`<p><span class="light good"></span> ${t('Nothing does.')}</p>` :
		html`<ul class="plain">${list.map((x) => html`<li key=${x.text}><${Badge} kind=${x.kind}>${x.kind === 'bad' ? t('fault') : t('notice')}</${Badge}> ${x.text}
			${x.failures && html` <a href=${`#/logs${query({ ...x.failures, failed: 'true' })}`}>${t('its failures')}</a>`}
			${x.mend && html` <a href=${`#/${x.mend}`}>${admin ? t('Change') : t('Look')}</a>`}${' '}
			${admin && x.provider && ids.has(x.provider) && html`<${Reset} key=${x.provider} path=${`/providers/${ids.get(x.provider)}`} done=${t('The provider is asked again.')} />`}
			${admin && x.key && ['parked', 'cooling'].includes(x.key.state) && html`<${Reset} key=${`${x.key.key_id}${x.key.state}`} path=${`/keys/${x.key.key_id}`} done=${t('The key serves again.')} />`}</li>`)}</ul>`}
	</${Panel}>`;
}

const kindOf = (k) => (!k.state || k.state === 'active' ? 'good' : k.state === 'cooling' || k.state === 'full' ? 'warn' : 'bad');

function Chip({ k }) {
	const kind = kindOf(k);
	const low = k.models.filter((m) => m.requests || m.tokens);
	return html`<a class=${`chip ${kind}`} href=${`#/logs${query({ key_id: k.key_id })}`}
		title=${[t('{n} requests', { n: num(k.total_requests) }), t('{n} in flight', { n: k.in_flight }),
		    k.last_used ? ago((Date.now() - new Date(k.last_used)) / 1000) : t('never used')].join(' · ')}>
		<span class=${`light ${kind}`}></span><span class="mono">${k.name}</span>
		${kind !== 'good' ? html`<span>${t(k.state)}</span>` : k.total_requests > 0 && html`<span class="dim">${percent(k.success_rate)}</span>`}
		${low.map((m) => html`<span class="dim" key=${m.model}>${m.model}: ${m.requests ? t('{n} requests left', { n: short(m.requests.left) }) : ''} ${m.tokens ? t('{n} tokens left', { n: short(m.tokens.left) }) : ''}</span>`)}</a>`;
}

// Of a large pool those that do not serve, and how many do.
function Pool({ name, keys }) {
	const shown = keys.length > 24 ? keys.filter((k) => kindOf(k) !== 'good').slice(0, 48) : keys;
	return html`<h3>${name}</h3><div class="chips">${shown.map((k) => html`<${Chip} key=${k.key_id} k=${k} />`)}
		${shown.length < keys.length && html`<a class="chip" href="#/keys"><span class="light good"></span>${t('{n} of {all} serve', { n: num(keys.filter((k) => kindOf(k) === 'good').length), all: num(keys.length) })}</a>`}</div>`;
}

function Keys({ figures, admin }) {
	const keys = (figures && figures.keys) || [];
	const pools = [...new Set(keys.map((k) => k.provider))];
	return html`<${Panel} title=${t('Keys')}>
		${keys.length === 0 ? html`<${Empty}>${t('No key yet: only the mock provider can answer.')}${admin && html` <a href="#/keys">${t('Add keys')}</a>`}</${Empty}>` :
		pools.map((p) => html`<${Pool} key=${p} name=${p} keys=${keys.filter((k) => k.provider === p)} />`)}
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
			`}</${Load}>
		<${Availability} span=${span} />
		<div class="grid two"><${Attention} figures=${figures} user=${user} /><${Keys} figures=${figures} admin=${user && user.role === 'admin'} /></div>
		<${Over} span=${span} figures=${figures} />`;
}
