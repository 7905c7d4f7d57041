// Users and tokens for programs.
import { html, useState, useGet, api, t, when, copy, remove } from '../lib.js';
import { Panel, Load, Empty, Field, Dialog, Confirm, Badge, Failure, Cards, useForm } from '../parts.js';
import { useEdit, Met } from '../edit.js';

const roles = () => [['viewer', t('viewer: may look')], ['admin', t('admin: may change things')]];

const fieldsOf = (u) => ({ name: u ? u.name : '', password: '', role: u ? u.role : 'viewer', enabled: u ? u.enabled : true });

function UserForm({ user, onDone, onClose }) {
	const { f, set, form, met, save } = useEdit('/users', user, fieldsOf, (v) => (user ? { role: v.role, enabled: v.enabled, ...(v.password ? { password: v.password } : {}) } :
	    { name: v.name, password: v.password, role: v.role }));
	const submit = async (e) => {
		e.preventDefault();
		if (await save()) {
			onDone();
			onClose();
		}
	};
	return html`<${Dialog} title=${user ? user.name : t('Add a user')} onClose=${onClose}><form onSubmit=${submit}><${Met} met=${met} />
		${!user && html`<${Field} label=${t('Name')} value=${f.name} onInput=${set('name')} required error=${form.fieldError('name')} />`}
		<${Field} label=${t('Password')} type="password" value=${f.password} onInput=${set('password')} required=${!user}
			autocomplete="new-password" hint=${user ? t('Empty: as it is.') : t('10 characters or more.')}
			error=${form.fieldError('password')} />
		<${Field} label=${t('Role')} type="select" value=${f.role} onInput=${set('role')} options=${roles()} error=${form.fieldError('role')} />
		${user && html`<${Field} label=${t('may log in')} type="checkbox" value=${f.enabled} onInput=${set('enabled')} />`}
		${form.general && form.error.status !== 412 && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button>
			<button class="primary" disabled=${form.busy}>${t('Save')}</button></div>
	</form></${Dialog}>`;
}

function TokenForm({ onDone, onClose }) {
	const form = useForm();
	const [name, setName] = useState('');
	const [role, setRole] = useState('viewer');
	const [days, setDays] = useState('0');
	const [token, setToken] = useState(null);
	const submit = async (e) => {
		e.preventDefault();
		const r = await form.run(() => api('POST', '/tokens', { name, role, days: Number(days) }));
		if (r) {
			setToken(r.token);
			onDone();
		}
	};
	if (token)
		return html`<${Dialog} title=${t('The new token')} onClose=${onClose}>
			<p>${t('It is shown only now: keep it where the program finds it.')}</p><pre>${token}</pre>
			<div class="actions"><button onClick=${() => copy(token)}>${t('Copy')}</button>
				<button class="primary" onClick=${onClose}>${t('Done')}</button></div></${Dialog}>`;
	return html`<${Dialog} title=${t('Add a token')} onClose=${onClose}><form onSubmit=${submit}>
		<${Field} label=${t('Name')} value=${name} onInput=${setName} required error=${form.fieldError('name')} />
		<${Field} label=${t('Role')} type="select" value=${role} onInput=${setRole} options=${roles()} />
		<${Field} label=${t('Days until it expires')} type="number" min="0" max="3650" value=${days} onInput=${setDays}
			hint=${t('0: never.')} error=${form.fieldError('days')} />
		${form.general && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button>
			<button class="primary" disabled=${form.busy}>${t('Make it')}</button></div>
	</form></${Dialog}>`;
}

export function Users() {
	const users = useGet('/users');
	const tokens = useGet('/tokens');
	const [open, setOpen] = useState(null);
	const close = () => setOpen(null);
	return html`
	<${Panel} title=${t('Users')} right=${html`<button class="primary" onClick=${() => setOpen({ add: true })}>${t('Add a user')}</button>`}>
		<${Load} of=${users}>${(d) => html`<${Cards}><table>
			<thead><tr><th>${t('Name')}</th><th>${t('Role')}</th><th>${t('Last log-in')}</th><th></th></tr></thead>
			<tbody>${d.users.map((u) => html`<tr key=${u.id}><td>${u.name} ${!u.enabled && html`<${Badge} kind="warn">${t('disabled')}</${Badge}>`}</td>
				<td>${t(u.role)}</td><td>${when(u.last_login)}</td>
				<td class="num"><button class="small" onClick=${() => setOpen({ user: u })}>${t('Change')}</button>${' '}
					<button class="small danger" onClick=${() => setOpen({ del: u })}>${t('Delete')}</button></td></tr>`)}</tbody>
		</table></${Cards}>`}</${Load}>
	</${Panel}>
	<${Panel} title=${t('Tokens for programs')} right=${html`<button onClick=${() => setOpen({ token: true })}>${t('Add a token')}</button>`}>
		<${Load} of=${tokens}>${(d) => (d.tokens.length === 0 ? html`<${Empty}>${t('None yet. A program that asks this API sends one as “Authorization: Bearer …”.')}</${Empty}>` :
		html`<${Cards}><table>
			<thead><tr><th>${t('Name')}</th><th>${t('Token')}</th><th>${t('Role')}</th><th>${t('Expires')}</th><th>${t('Last used')}</th><th></th></tr></thead>
			<tbody>${d.tokens.map((k) => html`<tr key=${k.id}><td>${k.name}</td><td class="mono">${k.mask}</td><td>${t(k.role)}</td>
				<td>${when(k.expires)}</td><td>${when(k.last_used)}</td>
				<td class="num"><button class="small danger" onClick=${() => setOpen({ delToken: k })}>${t('Delete')}</button></td></tr>`)}</tbody>
		</table></${Cards}>`)}</${Load}>
	</${Panel}>
	${open && (open.add || open.user) && html`<${UserForm} user=${open.user} onDone=${users.reload} onClose=${close} />`}
	${open && open.token && html`<${TokenForm} onDone=${tokens.reload} onClose=${close} />`}
	${open && open.del && html`<${Confirm} title=${t('Delete user “{name}”?', { name: open.del.name })}
		text=${t('His sessions end at once. What he did stays in the audit log.')} yes=${t('Delete')} onClose=${close}
		onYes=${() => remove('/users', open.del, users.reload)} />`}
	${open && open.delToken && html`<${Confirm} title=${t('Delete token “{name}”?', { name: open.delToken.name })}
		text=${t('Programs that use it are refused from now on.')} yes=${t('Delete')} onClose=${close}
		onYes=${async () => { await api('DELETE', `/tokens/${open.delToken.id}`); tokens.reload(); }} />`}`;
}
