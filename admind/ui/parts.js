// Pieces of pages.
import { html, useState, useEffect, useRef, t, lang, Problem, onToast } from './lib.js';

export const Panel = ({ title, children, right, className }) => html`
	<section class=${`panel ${className || ''}`}>
		${title && html`<div class="bar"><h2>${title}</h2><span class="grow"></span>${right}</div>`}
		${children}
	</section>`;

export const Badge = ({ kind, children }) => html`<span class=${`badge ${kind || ''}`}>${children}</span>`;

export function Status({ code }) {
	const kind = code >= 500 || code === 0 ? 'bad' : code >= 400 ? 'warn' : 'good';
	return html`<span class=${`badge ${kind}`}>${code === 0 ? t('left') : code}</span>`;
}

export const Skeleton = ({ lines = 4 }) => html`<div aria-busy="true" aria-label=${t('Loading')}>
	${Array.from({ length: lines }, () => html`<div class="skeleton"></div>`)}</div>`;

export const Empty = ({ children }) => html`<div class="empty">${children}</div>`;

export const Failure = ({ error, again }) => html`
	<div class="banner" role="alert">${error.field && html`<b class="mono">${error.field}</b>: `}${error.message}
		${again && html` <button class="small" onClick=${again}>${t('Try again')}</button>`}</div>`;

// Loading, failed, empty or there: says which, and keeps old data while it asks.
export function Load({ of, empty, children, lines }) {
	if (of.error && !of.data)
		return html`<${Failure} error=${of.error} again=${of.reload} />`;
	if (!of.data)
		return html`<${Skeleton} lines=${lines} />`;
	return html`${of.error && html`<${Failure} error=${of.error} again=${of.reload} />`}
		${empty && empty(of.data) ? null : null}${children(of.data)}`;
}

export function Segment({ value, options, onChange, label }) {
	return html`<div class="segment" role="group" aria-label=${label}>
		${options.map(([v, text]) => html`<button type="button" key=${v} aria-pressed=${v === value}
			onClick=${() => onChange(v)}>${text}</button>`)}</div>`;
}

let fieldId = 0;

// A labelled input with its hint and its error; type select takes options.
export function Field({ label, value, onInput, type = 'text', hint, error, options, ...more }) {
	const [id] = useState(() => `f${++fieldId}`);
	const describe = error ? `${id}e` : hint ? `${id}h` : undefined;
	const common = { id, 'aria-invalid': error ? 'true' : undefined, 'aria-describedby': describe, ...more };
	if (type === 'checkbox')
		return html`<div class="field"><label class="check" for=${id}><input type="checkbox" checked=${value}
			onChange=${(e) => onInput(e.target.checked)} ...${common} />${label}</label>
			${hint && html`<div class="hint" id=${`${id}h`}>${hint}</div>`}
			${error && html`<div class="error" id=${`${id}e`} role="alert">${error}</div>`}</div>`;
	const on = (e) => onInput(e.target.value);
	return html`<div class="field"><label for=${id}>${label}</label>
		${type === 'select' ? html`<select value=${value} onChange=${on} ...${common}>
			${options.map(([v, text]) => html`<option value=${v} selected=${v === value}>${text}</option>`)}</select>` :
		type === 'textarea' ? html`<textarea value=${value} onInput=${on} ...${common}></textarea>` :
		html`<input type=${type} value=${value} onInput=${on} ...${common} />`}
		${hint && !error && html`<div class="hint" id=${`${id}h`}>${hint}</div>`}
		${error && html`<div class="error" id=${`${id}e`} role="alert">${error}</div>`}</div>`;
}

// A native dialog: focus is kept in it, Escape closes it.
export function Dialog({ title, onClose, children, sheet, right }) {
	const ref = useRef();
	useEffect(() => {
		const d = ref.current;
		const before = document.activeElement;
		d.showModal();
		// Not the button that closes it again.
		const first = d.querySelector('form input, form select, form textarea');
		if (first)
			first.focus();
		return () => {
			d.close();
			if (before && before.focus)
				before.focus();
		};
	}, []);
	return html`<dialog ref=${ref} class=${sheet ? 'sheet' : ''} aria-label=${title}
		onCancel=${(e) => { e.preventDefault(); onClose(); }}
		onMouseDown=${(e) => { if (e.target === ref.current) onClose(); }}>
		<div><div class="dialog-head"><h2>${title}</h2>${right}
			<button class="small" onClick=${onClose} aria-label=${t('Close')}>✕</button></div>
		${children}</div></dialog>`;
}

// Asks before something is destroyed, naming it; keeps: it can be undone.
export function Confirm({ title, text, yes, onYes, onClose, keeps = true }) {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState(null);
	const run = async () => {
		setBusy(true);
		try {
			await onYes();
			onClose();
			// What had the focus goes with its row.
			setTimeout(() => document.getElementById('page')?.focus());
		} catch (e) {
			setError(e);
			setBusy(false);
		}
	};
	return html`<${Dialog} title=${title} onClose=${onClose}>
		<p>${text}</p>${keeps && html`<p class="dim">${t('It can be undone from Revisions.')}</p>`}${error && html`<${Failure} error=${error} />`}
		<div class="actions"><button onClick=${onClose}>${t('Cancel')}</button>
		<button class="danger" disabled=${busy} onClick=${run}>${yes}</button></div></${Dialog}>`;
}

// A table that becomes a card a row on a phone, each value under its column's name.
export function Cards({ children, label }) {
	const ref = useRef();
	useEffect(() => {
		const heads = [...ref.current.querySelectorAll('thead th')].map((th) => th.textContent);
		for (const tr of ref.current.querySelectorAll('tbody tr'))
			[...tr.children].forEach((td, i) => { td.dataset.label = heads[i] || ''; });
	});
	return html`<div class="scroll cards" ref=${ref} tabindex=${label ? 0 : undefined} role=${label && 'region'} aria-label=${label}>${children}</div>`;
}

// { busy, error, fieldError(name), run(promise function) } for a form.
export function useForm() {
	const [state, set] = useState({ busy: false, error: null });
	return {
		...state,
		fieldError: (name) => (state.error && state.error.field === name ? state.error.message : undefined),
		general: state.error && !state.error.field ? state.error : null,
		run: async (f) => {
			set({ busy: true, error: null });
			try {
				const r = await f();
				set({ busy: false, error: null });
				return r;
			} catch (error) {
				set({ busy: false, error: error instanceof Problem ? error : new Problem(1, { detail: String(error) }) });
				return undefined;
			}
		},
	};
}

export function Toasts() {
	const [list, set] = useState([]);
	useEffect(() => onToast(({ text, undo }) => {
		const item = { text, undo, id: Math.random() };
		set((l) => [...l, item]);
		setTimeout(() => set((l) => l.filter((x) => x !== item)), undo ? 12000 : 4000);
	}), []);
	return html`<div class="toasts" role="status" aria-live="polite">
		${list.map((x) => html`<div class="toast" key=${x.id}>${x.text}${x.undo && html` <a href=${`#/revisions?open=${x.undo}`}>${t('Undo …')}</a>`}</div>`)}</div>`;
}

export function Spark({ values, label }) {
	const max = Math.max(1e-9, ...values);
	const points = values.map((v, i) => `${(i / Math.max(1, values.length - 1) * 100).toFixed(2)},${(30 - v / max * 27).toFixed(2)}`);
	return html`<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label=${label}>
		${values.length > 1 && html`<polyline points=${points.join(' ')} />`}</svg>`;
}

const colours = ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6', '--c7', '--c8'];

// Another number in other colours, for what is painted once.
function useTheme() {
	const [n, set] = useState(0);
	useEffect(() => {
		const changed = () => set((x) => x + 1);
		const system = matchMedia('(prefers-color-scheme: dark)'), chosen = new MutationObserver(changed);
		system.addEventListener('change', changed);
		chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
		return () => { system.removeEventListener('change', changed); chosen.disconnect(); };
	}, []);
	return n;
}

// Lines over time.  times: unix seconds; series: [{ name, values }].
export function Chart({ times, series, format, label, nameOf = (n) => n }) {
	const box = useRef(), theme = useTheme();
	useEffect(() => {
		if (!window.uPlot || !box.current)
			return undefined;
		const css = getComputedStyle(document.documentElement);
		const colour = (n) => css.getPropertyValue(n).trim();
		const date = (o) => { const f = new Intl.DateTimeFormat(lang() === 'zh' ? 'zh-CN' : 'en-GB', o); return (v) => f.format(v * 1000); };
		const [hour, day, month, year] = [{ hour: '2-digit', minute: '2-digit' }, { month: 'short', day: 'numeric' }, { month: 'short' }, { year: 'numeric' }].map(date);
		// As far apart as they stand; where a day or a year begins, that.
		const stamps = (_, splits, axis, space, by) => splits.map((x) => {
			const d = new Date(x * 1000);
			return by < 86400 ? (d.getHours() + d.getMinutes() === 0 ? day : hour)(x) : by < 28 * 86400 ? day(x) : (d.getMonth() === 0 ? year : month)(x);
		});
		const full = date({ dateStyle: 'medium', timeStyle: 'short' });
		const axis = { stroke: colour('--dim'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
		const plot = new window.uPlot({
			width: box.current.clientWidth, height: 240, legend: { live: true },
			series: [{ label: t('Time'), value: (_, v) => (v === null ? '–' : full(v)) }, ...series.map((s, i) => ({ label: nameOf(s.name), stroke: colour(colours[i % colours.length]),
			    width: 1.6, points: { show: times.length < 3 }, value: (_, v) => (v === null ? '–' : format(v)) }))],
			axes: [{ ...axis, values: stamps }, { ...axis, size: 64, values: (_, v) => v.map(format) }],
			cursor: { drag: { x: false, y: false } },
		}, [times, ...series.map((s) => s.values)], box.current);
		const watch = new ResizeObserver(() => plot.setSize({ width: box.current.clientWidth, height: 240 }));
		watch.observe(box.current);
		return () => { watch.disconnect(); plot.destroy(); };
	}, [times, series, series.map((s) => nameOf(s.name)).join(), theme]);
	return html`<div role="img" aria-label=${label} ref=${box}></div>`;
}
