// A form for an object that somebody else may change at the same time.
import { html, useState, api, get, t, toast } from './lib.js';
import { useForm } from './parts.js';

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
export const lines = (s) => s.split('\n').map((x) => x.trim()).filter(Boolean);

// { f, set, form, save, met }.  What others changed comes in where nothing was
// typed; what was typed stays, and met says what it would overwrite. put: for
// what PUT makes or changes, how it is now.
export function useEdit(path, item, fieldsOf, bodyOf, put) {
	const form = useForm();
	const [base, setBase] = useState(item);
	const [f, setAll] = useState(() => fieldsOf(item));
	const [met, setMet] = useState(null);
	const merge = async () => {
		const now = put ? await put(base) : await get(`${path}/${item.id}`);
		const [was, is] = [fieldsOf(base), fieldsOf(now)];
		const typed = Object.keys(is).filter((k) => !same(f[k], was[k]));
		setAll({ ...is, ...Object.fromEntries(typed.map((k) => [k, f[k]])) });
		setMet(typed.filter((k) => !same(was[k], is[k])).map((k) => [k, is[k]]));
		setBase(now);
	};
	const save = async () => {
		let met412 = false;
		const r = await form.run(async () => {
			try {
				return await (put ? api('PUT', path, bodyOf(f), { etag: base && base.etag }) :
				    item ? api('PATCH', `${path}/${item.id}`, bodyOf(f), { etag: base.etag }) : api('POST', path, bodyOf(f))) || {};
			} catch (e) {
				if (e.status !== 412)
					throw e;
				met412 = true;
				await merge();
				return null;
			}
		});
		if (r)
			toast(t('Saved.'));
		else
			setTimeout(() => { const bad = document.querySelector(met412 ? 'dialog[open] .met' : 'dialog[open] [aria-invalid=true]'); if (bad) bad.focus(); });
		return r;
	};
	return { f, form, met, save, set: (k) => (v) => setAll((o) => ({ ...o, [k]: v })) };
}

export const Met = ({ met }) => met && html`<div class="banner warn met" role="alert" tabindex="-1">
	${t('Somebody else has changed this meanwhile. What you typed is kept, the rest is as it is now: look it over, and save again.')}
	${met.length > 0 && html`<p>${t('Saving overwrites:')}</p><ul>${met.map(([k, v]) => html`<li key=${k} class="mono">${k}: ${typeof v === 'string' ? v : JSON.stringify(v)}</li>`)}</ul>`}</div>`;

// What may be chosen, and what is there even if it may not be any more.
export const choices = (none, names, now) => [['', none], ...[...new Set([...names, ...(now ? [now] : [])])].map((n) => [n, n])];
