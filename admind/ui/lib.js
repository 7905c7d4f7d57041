// What every page uses: rendering, the management API, addresses, formats.
import { html, render, h, createContext, useState, useEffect, useRef, useMemo,
    useCallback, useContext } from './preact.js';
import { t, lang } from './i18n.js';
import { inChinese } from './problems.js';

export { html, render, h, createContext, useState, useEffect, useRef, useMemo,
    useCallback, useContext, t, lang };

// --- the API -----------------------------------------------------------------

// What the server says is wrong.
export const told = (text) => (lang() === 'zh' && text ? inChinese(text) : text);

// An error of the API: its problem details, or what kept it from answering.
export class Problem extends Error {
	constructor(status, o) {
		super(told(o.detail) || o.title || `HTTP ${status}`);
		this.status = status;
		this.field = o.field;
		this.offline = status === 0;
	}
}

let csrf = '';
export const setCsrf = (value) => { csrf = value || ''; };
const listeners = new Set();
export const onLoggedOut = (f) => { listeners.add(f); return () => listeners.delete(f); };

export async function api(method, path, body, opt = {}) {
	const head = { Accept: 'application/json' };
	if (method !== 'GET')
		head['X-CSRF-Token'] = csrf;
	if (body !== undefined)
		head['Content-Type'] = 'application/json';
	if (opt.etag)
		head['If-Match'] = opt.etag;
	let r;
	try {
		r = await fetch(`api/v1${path}`, { method, headers: head, signal: opt.signal,
		    body: body === undefined ? undefined : JSON.stringify(body) });
	} catch (e) {
		if (e.name === 'AbortError')
			throw e;
		throw new Problem(0, { detail: t('The management server does not answer.') });
	}
	const text = await r.text();
	let o = null;
	try {
		o = text ? JSON.parse(text) : null;
	} catch (e) {
		if (r.ok)
			throw new Problem(r.status, { detail: t('The answer is not JSON.') });
	}
	if (!r.ok) {
		if (r.status === 401 && !opt.quiet)
			listeners.forEach((f) => f());
		throw new Problem(r.status, o || { detail: text.slice(0, 300) });
	}
	if (method !== 'GET')
		noteRevision(method, r.headers.get('Revision'));
	if (o && r.headers.get('ETag'))
		Object.defineProperty(o, 'etag', { value: r.headers.get('ETag') });
	return o;
}

// The answer as it comes, whatever it is; for what is passed on to proxyd.
export async function send(method, path, body, { headers, signal } = {}) {
	try {
		return await fetch(`api/v1${path}`, { method, signal, headers: { 'X-CSRF-Token': csrf, 'Content-Type': 'application/json', ...headers },
		    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body) });
	} catch (e) {
		if (e.name === 'AbortError')
			throw e;
		throw new Problem(0, { detail: t('The management server does not answer.') });
	}
}

// An object as it was seen: another one's change is not deleted unseen. The list comes anew also where that is refused.
export async function remove(path, item, reload) {
	try {
		await api('DELETE', `${path}/${item.id}`, undefined, { etag: item.etag });
	} finally {
		reload();
	}
}

export const get = (path, opt) => api('GET', path, undefined, opt);

export function query(o) {
	const p = new URLSearchParams();
	for (const [k, v] of Object.entries(o))
		if (v !== '' && v !== undefined && v !== null)
			p.set(k, v);
	const s = p.toString();
	return s ? `?${s}` : '';
}

// { data, error, loading, reload }: asks anew when the path changes, and every
// some seconds where that is wanted; keeps what it has while it asks.
export function useGet(path, every) {
	const [state, set] = useState({ loading: true });
	const [n, again] = useState(0);
	useEffect(() => {
		if (!path) {
			set({ loading: false });
			return undefined;
		}
		const stop = new AbortController();
		let timer;
		const ask = async () => {
			try {
				const data = await get(path, { signal: stop.signal });
				set({ data, loading: false });
			} catch (error) {
				if (error.name === 'AbortError')
					return;
				set((s) => ({ ...s, error, loading: false }));
			}
			if (every)
				timer = setTimeout(ask, every * 1000);
		};
		set((s) => ({ data: s.data, loading: true }));
		ask();
		return () => { stop.abort(); clearTimeout(timer); };
	}, [path, every, n]);
	return { ...state, reload: useCallback(() => again((x) => x + 1), []) };
}

// Server-sent events: calls on.NAME(data); returns 'live', 'waiting' or 'off'.
export function useEvents(path, on) {
	const [state, set] = useState('waiting');
	const handlers = useRef(on);
	handlers.current = on;
	useEffect(() => {
		if (!path) {
			set('off');
			return undefined;
		}
		const es = new EventSource(`api/v1${path}`);
		es.onopen = () => set('live');
		es.onerror = () => set('waiting');
		for (const name of Object.keys(on))
			es.addEventListener(name, (e) => handlers.current[name](JSON.parse(e.data)));
		return () => es.close();
	}, [path]);
	return state;
}

// --- addresses: #/logs?status=5xx --------------------------------------------------

export function parseHash() {
	const [path, q] = location.hash.replace(/^#\/?/, '').split('?');
	return { path: path || 'dashboard', query: Object.fromEntries(new URLSearchParams(q || '')) };
}

export function go(path, q = {}, replace = false) {
	const hash = `#/${path}${query(q)}`;
	if (replace)
		history.replaceState(null, '', hash);
	else
		location.hash = hash;
	if (replace)
		dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useHash() {
	const [at, set] = useState(parseHash());
	useEffect(() => {
		const f = () => set(parseHash());
		addEventListener('hashchange', f);
		return () => removeEventListener('hashchange', f);
	}, []);
	return at;
}

// --- what the browser remembers ------------------------------------------------------

export function remember(name, value) {
	try {
		if (value === undefined)
			return localStorage.getItem(name);
		localStorage.setItem(name, value);
	} catch (e) { /* not allowed: only for now */ }
	return value;
}

// --- formats ------------------------------------------------------------------------

const locale = () => (lang() === 'zh' ? 'zh-CN' : 'en-GB');

export const num = (n) => (n === null || n === undefined ? '–' :
    new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 }).format(n));
export const short = (n) => (n === null || n === undefined ? '–' :
    new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }).format(n));
export const percent = (x) => (x === null || x === undefined || Number.isNaN(x) ? '–' :
    new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: x < 0.1 ? 1 : 0 }).format(x));
// Micro-dollars.
export function money(u) {
	if (u === null || u === undefined)
		return '–';
	const d = u / 1e6;
	return new Intl.NumberFormat(locale(), { style: 'currency', currency: 'USD',
	    minimumFractionDigits: 2, maximumFractionDigits: d !== 0 && Math.abs(d) < 0.1 ? 6 : 2 }).format(d);
}
export function ms(v) {
	if (v === null || v === undefined || v < 0)
		return '–';
	if (v < 1)
		return `${Math.round(v * 1000)} µs`;
	if (v < 1000)
		return `${v < 10 ? v.toFixed(1) : Math.round(v)} ms`;
	if (v < 60000)
		return `${(v / 1000).toFixed(v < 10000 ? 2 : 1)} s`;
	return `${Math.floor(v / 60000)} min ${Math.round(v % 60000 / 1000)} s`;
}
export const us = (v) => ms(v === null || v === undefined || v < 0 ? -1 : v / 1000);
export function bytes(n) {
	if (n === null || n === undefined || n < 0)
		return '–';
	const units = ['B', 'KiB', 'MiB', 'GiB'];
	let i = 0;
	while (n >= 1024 && i < 3) {
		n /= 1024;
		i++;
	}
	return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
export function when(x, full) {
	if (!x)
		return '–';
	const d = new Date(typeof x === 'number' ? x * 1000 : x);
	return d.toLocaleString(locale(), full ? { dateStyle: 'medium', timeStyle: 'medium' } :
	    { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
}
// In a table of what just was: of today only the time.
export function at(x) {
	const d = new Date(x);
	return d.toDateString() === new Date().toDateString() ? d.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit' }) : when(x);
}
export function ago(seconds) {
	if (seconds === null || seconds === undefined)
		return '–';
	const f = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
	const s = Math.round(seconds);
	if (s < 60)
		return f.format(-s, 'second');
	if (s < 3600)
		return f.format(-Math.round(s / 60), 'minute');
	if (s < 86400)
		return f.format(-Math.round(s / 3600), 'hour');
	return f.format(-Math.round(s / 86400), 'day');
}

export async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		toast(t('Copied.'), true);
	} catch (e) {
		toast(t('The browser does not allow copying here.'), true);
	}
}

// --- notices --------------------------------------------------------------------------

const toasts = new Set();
export const onToast = (f) => { toasts.add(f); return () => toasts.delete(f); };
// The revision that the last change made: the notice of it leads to its undoing.
let made = null;
export function toast(text, plain) {
	const undo = !plain && made && Date.now() - made.at < 3000 ? made.n : undefined;
	if (!plain)
		made = null;
	toasts.forEach((f) => f({ text, undo }));
}
function noteRevision(method, n) {
	if (!n)
		return;
	made = { n, at: Date.now() };
	if (method === 'DELETE')
		setTimeout(() => { if (made && made.n === n) toast(t('Deleted.')); }, 300);
}
