// A rule as the fields of a form, and back; and told in a line.
import { Problem, t } from './lib.js';
import { lines } from './edit.js';

export const needs = ['image', 'audio', 'video', 'document', 'tools', 'thinking', 'schema'];
export const days = [['mon', 'Mon'], ['tue', 'Tue'], ['wed', 'Wed'], ['thu', 'Thu'], ['fri', 'Fri'], ['sat', 'Sat'], ['sun', 'Sun']];
export const strategies = [['ordered', 'as they stand'], ['weighted', 'by chance, as their weights'], ['cheapest', 'cheapest first'], ['fastest', 'fastest first']];
const lists = ['path', 'model', 'tenant', 'client_key'];
const words = ['reasoning_effort', 'service_tier', 'user'];

const list = (v) => (v === undefined ? [] : Array.isArray(v) ? v : [v]);
const text = (v) => list(v).join('\n');
export const pairs = (o) => Object.entries(o || {}).map(([k, v]) => `${k}: ${v}`).join('\n');

export const newTarget = () => ({ provider: '', model: '', pool: '', weight: '', strict: false, set: '', default: '', remove: '' });

const targetFields = (x) => ({ provider: x.provider || '', model: x.model || '', pool: x.pool || '', weight: x.weight === undefined ? '' : String(x.weight), strict: !!x.strict,
    set: pairs(x.set), default: pairs(x.default), remove: text(x.remove) });

export function fieldsOf(o) {
	const m = (o && o.match) || {};
	const k = m.keywords || {};
	const n = m.tokens || {};
	const w = m.time || {};
	const has = {};
	for (const x of needs)
		has[x] = list(m.has).includes(x) ? 'has' : list(m.has_not).includes(x) ? 'has_not' : '';
	const number = (v) => (v === undefined ? '' : String(v));
	return { name: o ? o.name : '', enabled: o ? o.enabled : true, strategy: o ? o.strategy : 'ordered', affinity: o ? o.affinity : true,
	    client: list(m.client), ...Object.fromEntries(lists.map((x) => [x, text(m[x])])), any: text(k.any), all: text(k.all), in: k.in || 'both',
	    above: number(n.above), below: number(n.below), has, stream: m.stream === undefined ? '' : String(m.stream), header: pairs(m.header),
	    from: w.from || '', to: w.to || '', days: list(w.days).map((d) => d.toLowerCase()), targets: o ? o.targets.map(targetFields) : [newTarget()] };
}

// "name: value" a line; field is where a line that is not so is told.
export function pairsOf(s, field, value = (k, v) => v) {
	const o = {};
	for (const line of lines(s)) {
		const m = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(line);
		if (!m)
			throw new Problem(422, { field, detail: t('“{line}” is not “name: value”', { line }) });
		o[m[1]] = value(m[1], m[2]);
	}
	return o;
}

function parameter(name, v) {
	try {
		return words.includes(name) ? v : JSON.parse(v);
	} catch (e) {
		return v;
	}
}

function targetOf(x, i) {
	const at = `targets[${i}]`;
	const o = {};
	for (const k of ['provider', 'model', 'pool'])
		if (x[k].trim())
			o[k] = x[k].trim();
	if (x.weight !== '')
		o.weight = Number(x.weight);
	if (x.strict)
		o.strict = true;
	for (const k of ['set', 'default'])
		if (x[k].trim())
			o[k] = pairsOf(x[k], `${at}.${k}`, parameter);
	if (x.remove.trim())
		o.remove = lines(x.remove);
	return o;
}

function matchOf(f) {
	const m = {};
	const put = (k, o) => { if (Object.keys(o).length) m[k] = o; };
	const got = (want) => needs.filter((x) => f.has[x] === want);
	if (f.client.length)
		m.client = f.client;
	for (const k of lists)
		put(k, lines(f[k]));
	put('has', got('has'));
	put('has_not', got('has_not'));
	put('header', pairsOf(f.header, 'match.header'));
	if (f.stream)
		m.stream = f.stream === 'true';
	const k = {};
	for (const x of ['any', 'all'])
		if (lines(f[x]).length)
			k[x] = lines(f[x]);
	put('keywords', Object.keys(k).length ? { ...k, in: f.in } : {});
	put('tokens', Object.fromEntries(['above', 'below'].filter((x) => f[x] !== '').map((x) => [x, Number(f[x])])));
	const w = {};
	for (const x of ['from', 'to'])
		if (f[x])
			w[x] = f[x].slice(0, 5);
	put('time', f.days.length ? { ...w, days: f.days } : w);
	return m;
}

export const bodyOf = (f) => ({ name: f.name.trim(), enabled: f.enabled, strategy: f.strategy, affinity: f.affinity, match: matchOf(f), targets: f.targets.map(targetOf) });

const told = (v) => (Array.isArray(v) ? v.map(told).join(', ') : v && typeof v === 'object' ? Object.entries(v).map(([k, x]) => `${k} ${told(x)}`).join(' · ') : String(v));
export const tell = (v) => (v === undefined || v === null ? '–' : told(v) === '' ? '–' : told(v));
export const targetTold = (x) => [x.provider, x.model, x.pool && `(${x.pool})`].filter(Boolean).join(' ') || t('as the model’s name says');
