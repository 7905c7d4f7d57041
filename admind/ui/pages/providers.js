// Who is asked.
import { html, useState, useGet, api, t, toast, remove } from '../lib.js';
import { Panel, Load, Confirm, Badge, Cards } from '../parts.js';
import { ObjectForm } from '../objects.js';
import { dialects, dialectName } from '../code.js';

const fields = () => [
	{ name: 'name', label: t('Name'), required: true, fixed: true },
	{ name: 'dialect', label: t('Dialect'), type: 'select', options: dialects, value: 'openai-chat' },
	{ name: 'base_url', label: t('Base URL'), hint: t('Empty: the dialect’s own.') },
	{ name: 'default_model', label: t('Default model') },
	{ name: 'strategy', label: t('Strategy of its keys'), type: 'select', value: 'round_robin', options: ['round_robin', 'least_used', 'random', 'priority', 'weighted'].map((x) => [x, x]) },
	{ name: 'connect_ms', label: t('Time to connect, ms'), type: 'number', value: 10000 },
	{ name: 'first_byte_ms', label: t('Time to the first byte, ms'), type: 'number', value: 300000 },
	{ name: 'idle_ms', label: t('Longest silence, ms'), type: 'number', value: 300000 },
	{ name: 'total_ms', label: t('Time in all, ms'), type: 'number', value: 0, hint: t('0: no limit.') },
	{ name: 'auth_header', label: t('Header of the key'), hint: t('Empty: the dialect’s own.') },
	{ name: 'auth_format', label: t('Its value'), hint: t('{key} stands for the key.') },
	{ name: 'headers', label: t('Headers'), type: 'headers', hint: t('Name: value, a line each, sent with every request. Values are shown masked: what is left so stays.') },
	{ name: 'proxy', label: t('Proxy'), hint: t('Such as http://proxy:3128 or socks5h://proxy:1080. Empty: none.') },
	{ name: 'ca_file', label: t('CA file'), hint: t('Empty: the system’s authorities.') },
	{ name: 'keyless', label: t('Needs no key'), type: 'checkbox', value: false },
	{ name: 'enabled', label: t('Enabled'), type: 'checkbox', value: true, hint: t('Off: running requests end, and no new one begins.') },
];

// What would not work without it.
const users = (p, keys, models, rules) => [
	...keys.filter((k) => k.provider === p.name).map((k) => t('key {name}', { name: k.mask })),
	...models.filter((m) => m.provider === p.name).map((m) => t('model {name}', { name: m.route_key })),
	...rules.filter((r) => r.targets.some((x) => x.provider === p.name)).map((r) => t('rule {name}', { name: r.name })),
];

export function Providers({ user, figures }) {
	const providers = useGet('/providers');
	const keys = useGet('/keys');
	const models = useGet('/models');
	const rules = useGet('/rules');
	const [open, setOpen] = useState(null);
	const admin = user.role === 'admin';
	const close = () => setOpen(null);
	const uses = (p) => users(p, keys.data ? keys.data.keys : [], models.data ? models.data.models : [], rules.data ? rules.data.rules : []);
	const circuits = new Map(((figures && figures.providers) || []).map((c) => [c.name, c]));
	const circuit = (p) => (circuits.get(p.name) || {}).circuit;
	const reset = async (p) => {
		try {
			await api('POST', `/providers/${p.id}/reset`);
			toast(t('The provider is asked again.'), true);
		} catch (e) {
			toast(e.message, true);
		}
	};
	const source = { file: 'app.yml', builtin: t('built in'), db: '' };
	return html`<${Panel} title=${t('Providers')} right=${admin && html`<button class="primary" onClick=${() => setOpen({ edit: true })}>${t('Add a provider')}</button>`}>
		<p class="dim">${t('Those of app.yml are changed there.')}</p>
		<${Load} of=${providers}>${(d) => html`<${Cards} label=${t('Providers')}><table><thead><tr><th>${t('Name')}</th><th>${t('Dialect')}</th><th>${t('Base URL')}</th><th>${t('Default model')}</th><th class="num">${t('Number of keys')}</th><th>${t('State')}</th><th></th></tr></thead>
			<tbody>${d.providers.map((p) => html`<tr key=${p.id}><td><b>${p.name}</b> ${source[p.source] && html`<${Badge}>${source[p.source]}</${Badge}>`}</td><td>${dialectName(p.dialect)}</td>
				<td class="mono">${p.base_url || '–'}</td><td class="mono">${p.default_model || '–'}</td>
				<td class="num">${p.keyless ? '–' : keys.data ? keys.data.keys.filter((k) => k.provider === p.name).length : ''}</td>
				<td class="nowrap">${!p.enabled ? html`<${Badge} kind="warn">${t('off')}</${Badge}>` : circuit(p) === 'open' ? html`<${Badge} kind="bad">${t('left alone')}</${Badge}>` :
					circuit(p) === 'half-open' ? html`<${Badge} kind="warn">${t('being tried')}</${Badge}>` : ''}</td>
				<td class="num nowrap">${admin && p.enabled && circuit(p) && circuit(p) !== 'closed' && html`<button class="small primary" onClick=${() => reset(p)}>${t('Reset')}</button>${' '}`}${admin && p.source === 'db' && html`<button class="small" onClick=${() => setOpen({ edit: true, item: p })}>${t('Change')}</button>${' '}
					<button class="small danger" onClick=${() => setOpen({ del: p })}>${t('Delete')}</button>`}</td></tr>`)}</tbody></table></${Cards}>`}</${Load}></${Panel}>
	${open && open.edit && html`<${ObjectForm} kind="providers" title=${open.item ? open.item.name : t('Add a provider')} item=${open.item} fields=${fields()} onDone=${providers.reload} onClose=${close} />`}
	${open && open.del && html`<${Confirm} title=${t('Delete provider “{name}”?', { name: open.del.name })} yes=${t('Delete')} onClose=${close}
		text=${uses(open.del).length ? t('It is used by: {list}. They must go first.', { list: uses(open.del).join(', ') }) : t('Nothing uses it.')}
		onYes=${() => remove('/providers', open.del, providers.reload)} />`}`;
}
