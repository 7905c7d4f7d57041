// Tenants and their client keys.
import { html, useState, useEffect, useGet, api, t, when, money, num, percent, copy, remove } from '../lib.js';
import { Panel, Load, Empty, Field, Dialog, Confirm, Badge, Cards, Failure, useForm } from '../parts.js';
import { useEdit, Met } from '../edit.js';

const limits = [['rpm', 'Requests a minute'], ['tpm', 'Tokens a minute'], ['concurrent', 'Requests at a time']];
const budgets = [['budget_day', 'Budget a day, $'], ['budget_month', 'Budget a month, $'], ['budget_total', 'Budget in all, $']];

// What the fields hold, as text, and back.
function fieldsOf(o) {
	const f = { name: o ? o.name : '', note: o ? o.note : '', models: o ? o.models.join('\n') : '', enabled: o ? o.enabled : true };
	for (const [k] of limits)
		f[k] = o && o[k] ? String(o[k]) : '';
	for (const [k] of budgets)
		f[k] = o && o[k] !== null ? String(o[k]) : '';
	return f;
}

function bodyOf(f) {
	const b = { name: f.name, note: f.note, enabled: f.enabled, models: f.models.split('\n').map((s) => s.trim()).filter(Boolean) };
	for (const [k] of limits)
		b[k] = f[k] === '' ? 0 : Number(f[k]);
	for (const [k] of budgets)
		b[k] = f[k] === '' ? null : Number(f[k]);
	return b;
}

function Limits({ f, set, form }) {
	return html`<div class="fields">${limits.map(([k, label]) => html`<${Field} key=${k} label=${t(label)} type="number" min="0" value=${f[k]}
			onInput=${(v) => set(k, v)} hint=${t('Empty: no limit.')} error=${form.fieldError(k)} />`)}
		${budgets.map(([k, label]) => html`<${Field} key=${k} label=${t(label)} type="number" min="0" step="any" value=${f[k]}
			onInput=${(v) => set(k, v)} hint=${t('Empty: none.')} error=${form.fieldError(k)} />`)}</div>`;
}

function Form({ what, path, item, tenants, onDone, onClose }) {
	const [key, setKey] = useState(null);
	const { f, set: setOne, form, met, save } = useEdit(path, item,
	    (o) => ({ ...fieldsOf(o), tenant_id: o && o.tenant_id ? String(o.tenant_id) : '', days: '' }),
	    (v) => ({ ...bodyOf(v), ...(tenants && { tenant_id: Number(v.tenant_id) }), ...(tenants && v.days !== '' && { days: Number(v.days) }) }));
	const set = (k, v) => setOne(k)(v);
	const submit = async (e) => {
		e.preventDefault();
		const r = await save();
		if (!r)
			return;
		onDone();
		if (r.key)
			setKey(r.key);
		else
			onClose();
	};
	if (key)
		return html`<${NewKey} value=${key} onClose=${onClose} />`;
	return html`<${Dialog} title=${item ? item.name : what} onClose=${onClose}><form onSubmit=${submit}>
		<${Met} met=${met} /><${Field} label=${t('Name')} value=${f.name} onInput=${(v) => set('name', v)} required error=${form.fieldError('name')} />
		${tenants && html`<div class="fields"><${Field} label=${t('Tenant')} type="select" value=${f.tenant_id} onInput=${(v) => set('tenant_id', v)}
				options=${[['', t('none')], ...tenants.map((x) => [String(x.id), x.name])]} error=${form.fieldError('tenant_id')} />
			<${Field} label=${t('Days until it expires')} type="number" min="0" value=${f.days} onInput=${(v) => set('days', v)}
				hint=${item ? t('Empty: as it is.') : t('0: never.')} error=${form.fieldError('days')} /></div>`}
		<${Field} label=${t('May ask for')} type="textarea" value=${f.models} onInput=${(v) => set('models', v)}
			hint=${t('A pattern a line, such as claude-*; none: all.')} error=${form.fieldError('models')} />
		<${Limits} f=${f} set=${set} form=${form} />
		<${Field} label=${t('Note')} value=${f.note} onInput=${(v) => set('note', v)} error=${form.fieldError('note')} />
		<${Field} label=${t('enabled')} type="checkbox" value=${f.enabled} onInput=${(v) => set('enabled', v)} />
		${form.error && form.error.status !== 412 && !(form.error.field in f) && html`<${Failure} error=${form.error} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button>
			<button class="primary" disabled=${form.busy}>${t('Save')}</button></div></form></${Dialog}>`;
}

const NewKey = ({ value, onClose }) => html`<${Dialog} title=${t('The new client key')} onClose=${onClose}>
	<p>${t('It is shown only now: give it to the client.')}</p><pre>${value}</pre>
	<div class="actions"><button onClick=${() => copy(value)}>${t('Copy')}</button><button class="primary" onClick=${onClose}>${t('Done')}</button></div></${Dialog}>`;

function Rotate({ item, onDone, onClose }) {
	const form = useForm();
	const [hours, setHours] = useState('24');
	const [key, setKey] = useState(null);
	const submit = async (e) => {
		e.preventDefault();
		const r = await form.run(() => api('POST', `/client-keys/${item.id}/rotate`, { grace_s: Math.round(Number(hours) * 3600) }, { etag: item.etag }));
		if (r) {
			onDone();
			setKey(r.key);
		}
	};
	if (key)
		return html`<${NewKey} value=${key} onClose=${onClose} />`;
	return html`<${Dialog} title=${t('Change the value of “{name}”', { name: item.name })} onClose=${onClose}><form onSubmit=${submit}>
		<${Field} label=${t('Hours that the old one is still good')} type="number" min="0" step="any" value=${hours} onInput=${setHours} error=${form.fieldError('grace_s')} />
		${form.general && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Change')}</button></div></form></${Dialog}>`;
}

const said = { rpm: '{n} requests a minute', tpm: '{n} tokens a minute', concurrent: '{n} at a time' };
const rates = (o) => limits.filter(([k]) => o[k] > 0).map(([k]) => t(said[k], { n: num(o[k]) })).join(' · ') || t('none');
const every = { budget_day: 'a day', budget_month: 'a month', budget_total: 'in all' };
// What is spent of them, where that is known.
const money3 = (o, spent) => budgets.filter(([k]) => o[k] !== null).map(([k]) => {
	const b = spent && spent.find((x) => x.id === o.id && x.period === k.replace('budget_', ''));
	return html`<div key=${k}>${b ? t('{spent} of {limit}', { spent: money(b.spent * 1e6), limit: money(o[k] * 1e6) }) : money(o[k] * 1e6)} ${t(every[k])}
		${b && b.share >= 0.8 && html` <${Badge} kind=${b.share >= 1 ? 'bad' : 'warn'}>${percent(b.share)}</${Badge}>`}</div>`;
});


const few = 200;

// Of many, those that are looked for, and not all at once.
function Table({ list, spent, extra, onEdit, onDelete, admin, more }) {
	const [find, setFind] = useState('');
	const [all, setAll] = useState(false);
	const word = find.trim().toLowerCase();
	const found = list.filter((o) => !word || [o.name, o.note, o.tenant, o.mask].some((x) => x && x.toLowerCase().includes(word)));
	const rows = all ? found : found.slice(0, few);
	return html`${list.length > 20 && html`<${Field} label=${t('Find')} type="search" value=${find} onInput=${setFind} />`}<${Cards}><table><thead><tr><th>${t('Name')}</th>${extra.map(([h]) => html`<th>${h}</th>`)}<th>${t('May ask for')}</th><th>${t('Limits')}</th><th>${t('Budgets')}</th><th></th></tr></thead>
		<tbody>${rows.map((o) => html`<tr key=${o.id}><td><b>${o.name}</b> ${!o.enabled && html`<${Badge} kind="warn">${t('disabled')}</${Badge}>`}<div class="dim">${o.note}</div></td>
			${extra.map(([, f]) => html`<td>${f(o)}</td>`)}<td class="mono">${o.models.join(' ') || t('all')}</td><td>${rates(o)}</td><td>${budgets.some(([k]) => o[k] !== null) ? money3(o, spent) : t('none')}</td>
			<td class="num">${admin && html`<button class="small" onClick=${() => onEdit(o)}>${t('Change')}</button>${' '}${more && more(o)}${' '}<button class="small danger" onClick=${() => onDelete(o)}>${t('Delete')}</button>`}</td></tr>`)}</tbody></table></${Cards}>
		${rows.length === 0 && html`<${Empty}>${t('Nothing is like that.')}</${Empty}>`}
		${found.length > rows.length && html`<div class="actions"><span class="dim">${t('and {n} more', { n: num(found.length - rows.length) })}</span><button onClick=${() => setAll(true)}>${t('Show all')}</button></div>`}`;
}

export function Tenants({ query: q, user }) {
	const tenants = useGet('/tenants');
	const keys = useGet('/client-keys');
	const spent = useGet('/budgets?percent=0', 30);
	const of = (kind) => spent.data && spent.data.budgets.filter((b) => b.kind === kind);
	const [open, setOpen] = useState(null);
	const close = () => setOpen(null);
	const admin = user.role === 'admin';
	const list = tenants.data ? tenants.data.tenants : [];
	const reload = () => { tenants.reload(); keys.reload(); };
	// The address may name the one to be changed.
	useEffect(() => {
		const tenant = q.tenant && list.find((o) => String(o.id) === q.tenant);
		const key = q.client_key && keys.data && keys.data.client_keys.find((o) => String(o.id) === q.client_key);
		if (admin && (tenant || key))
			setOpen(tenant ? { tenant: true, item: tenant } : { key: true, item: key });
	}, [q.tenant, q.client_key, !tenants.data, !keys.data]);
	return html`
	<${Panel} title=${t('Tenants')} right=${admin && html`<button class="primary" onClick=${() => setOpen({ tenant: true })}>${t('Add a tenant')}</button>`}>
		<${Load} of=${tenants}>${(d) => (d.tenants.length === 0 ? html`<${Empty}>${t('None yet. A tenant has limits and a budget that all of its client keys share.')}</${Empty}>` :
			html`<${Table} list=${d.tenants} spent=${of('tenant')} extra=${[]} admin=${admin} onEdit=${(o) => setOpen({ tenant: true, item: o })} onDelete=${(o) => setOpen({ delTenant: o })} />`)}</${Load}></${Panel}>
	<${Panel} title=${t('Client keys')} right=${admin && html`<button class="primary" onClick=${() => setOpen({ key: true })}>${t('Add a client key')}</button>`}>
		<${Load} of=${keys}>${(d) => (d.client_keys.length === 0 ? html`<${Empty}>${t('None yet: programs on this machine may ask with any key. As soon as there is one, every request needs one.')}</${Empty}>` :
			html`<${Table} list=${d.client_keys} spent=${of('client_key')} admin=${admin} extra=${[[t('Key'), (o) => html`<span class="mono">${o.mask}</span>`], [t('Tenant'), (o) => o.tenant || '–'], [t('Expires'), (o) => when(o.expires)]]}
				onEdit=${(o) => setOpen({ key: true, item: o })} onDelete=${(o) => setOpen({ delKey: o })}
				more=${(o) => html`<button class="small" onClick=${() => setOpen({ rotate: o })}>${t('New value')}</button>`} />`)}</${Load}></${Panel}>
	${open && open.tenant && html`<${Form} what=${t('Add a tenant')} path="/tenants" item=${open.item} onDone=${reload} onClose=${close} />`}
	${open && open.key && html`<${Form} what=${t('Add a client key')} path="/client-keys" item=${open.item} tenants=${list} onDone=${reload} onClose=${close} />`}
	${open && open.rotate && html`<${Rotate} item=${open.rotate} onDone=${reload} onClose=${close} />`}
	${open && open.delTenant && html`<${Confirm} title=${t('Delete tenant “{name}”?', { name: open.delTenant.name })} yes=${t('Delete')} onClose=${close}
		text=${t('Its client keys go with it: programs that use them are refused from now on.')}
		onYes=${() => remove('/tenants', open.delTenant, reload)} />`}
	${open && open.delKey && html`<${Confirm} title=${t('Delete client key “{name}”?', { name: open.delKey.name })} yes=${t('Delete')} onClose=${close}
		text=${t('Programs that use it are refused from now on.')} onYes=${() => remove('/client-keys', open.delKey, reload)} />`}`;
}
