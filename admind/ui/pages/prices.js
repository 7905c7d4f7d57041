// What models cost.
import { html, useState, useGet, get, t, remove } from '../lib.js';
import { Panel, Load, Field, Dialog, Confirm, Badge, Failure } from '../parts.js';
import { useEdit, Met } from '../edit.js';

const columns = [['input', 'Input'], ['output', 'Output'], ['cache_read', 'Cache read'], ['cache_write_5m', 'Cache write, 5 min'], ['cache_write_1h', 'Cache write, 1 h']];

function fieldsOf(item) {
	const o = { provider: item ? item.provider : '', model: item ? item.model : '', source: item ? item.source : '', date: item ? item.date : '' };
	for (const [k] of columns)
		o[k] = item && item[k] !== null ? String(item[k]) : '';
	return o;
}

function bodyOf(f) {
	const body = { provider: f.provider, model: f.model, source: f.source, date: f.date };
	for (const [k] of columns)
		body[k] = f[k] === '' ? null : Number(f[k]);
	return body;
}

// One's own goes before the one that is built in, so its id may be another.
const now = async (was) => (await get('/prices')).prices.find((p) => p.provider === was.provider && p.model === was.model);

// What it is a price of is its name: another one is another price.
function Form({ item, onDone, onClose }) {
	const { f, set: setOne, form, met, save } = useEdit('/prices', item, fieldsOf, bodyOf, now);
	const set = (k, v) => setOne(k)(v);
	const submit = async (e) => {
		e.preventDefault();
		if (await save()) {
			onDone();
			onClose();
		}
	};
	return html`<${Dialog} title=${t('Set a price')} onClose=${onClose}><form onSubmit=${submit}><${Met} met=${met} />
		<p class="dim">${t('Dollars a million tokens. Yours goes before the built-in one.')}</p>
		<div class="fields"><${Field} label=${t('Provider')} value=${f.provider} onInput=${(v) => set('provider', v)} disabled=${!!item} hint=${t('Empty: any.')} error=${form.fieldError('provider')} />
		<${Field} label=${t('Model')} value=${f.model} onInput=${(v) => set('model', v)} required disabled=${!!item} hint=${t('May have *.')} error=${form.fieldError('model')} />
		${columns.map(([k, label], i) => html`<${Field} key=${k} label=${t(label)} type="number" min="0" step="any" required=${i < 2} value=${f[k]} onInput=${(v) => set(k, v)}
			hint=${i < 2 ? undefined : t('Empty: as input.')} error=${form.fieldError(k)} />`)}
		<${Field} label=${t('Date')} type="date" value=${f.date} onInput=${(v) => set('date', v)} /><${Field} label=${t('Source')} value=${f.source} onInput=${(v) => set('source', v)} error=${form.fieldError('source')} /></div>
		${form.general && form.error.status !== 412 && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Save')}</button></div></form></${Dialog}>`;
}

const amount = (v) => (v === null ? '–' : String(v));

export function Prices({ user }) {
	const prices = useGet('/prices');
	const [find, setFind] = useState('');
	const [open, setOpen] = useState(null);
	const admin = user.role === 'admin';
	const fits = (p) => `${p.provider} ${p.model}`.toLowerCase().includes(find.toLowerCase());
	return html`<${Panel} title=${t('Prices')} right=${admin && html`<button class="primary" onClick=${() => setOpen({ set: true })}>${t('Set a price')}</button>`}>
		<p class="dim">${t('Dollars a million tokens, as published on the date. What is not here is unpriced, which is not free.')}</p>
		<${Field} label=${t('Find')} type="search" value=${find} onInput=${setFind} />
		<${Load} of=${prices}>${(d) => html`<div class="scroll"><table><thead><tr><th>${t('Provider')}</th><th>${t('Model')}</th>${columns.map(([k, label], i) => html`<th class=${`num ${i > 1 ? 'hide-small' : ''}`} key=${k}>${t(label)}</th>`)}<th class="hide-small">${t('Date')}</th><th class="hide-small">${t('Source')}</th><th></th></tr></thead>
			<tbody>${d.prices.filter(fits).map((p) => html`<tr key=${p.id}><td>${p.provider || t('any')}</td><td class="mono">${p.model} ${!p.builtin && html`<${Badge}>${t('yours')}</${Badge}>`}</td>
				${columns.map(([k], i) => html`<td class=${`num ${i > 1 ? 'hide-small' : ''}`} key=${k}>${amount(p[k])}</td>`)}<td class="nowrap hide-small">${p.date}</td><td class="hide-small">${p.source === 'built in' ? t('built in') : p.source}</td>
				<td class="num">${admin && html`<button class="small" onClick=${() => setOpen({ set: true, item: p })}>${t('Change')}</button>${' '}
					${!p.builtin && html`<button class="small danger" onClick=${() => setOpen({ del: p })}>${t('Delete')}</button>`}`}</td></tr>`)}</tbody></table></div>`}</${Load}>
	</${Panel}>
	${open && open.set && html`<${Form} item=${open.item} onDone=${prices.reload} onClose=${() => setOpen(null)} />`}
	${open && open.del && html`<${Confirm} title=${t('Delete your price of “{name}”?', { name: open.del.model })} yes=${t('Delete')} onClose=${() => setOpen(null)}
		text=${t('The built-in one holds again, where there is one. Costs that were logged stay as they are.')}
		onYes=${() => remove('/prices', open.del, prices.reload)} />`}`;
}
