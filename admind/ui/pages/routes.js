// Which rule takes which request, in which order; and what one would do.
import { html, useState, useEffect, useRef, useGet, api, t, toast, remove } from '../lib.js';
import { Panel, Load, Empty, Field, Dialog, Confirm, Badge, Failure } from '../parts.js';
import { useEdit, Met, choices } from '../edit.js';
import { dialects } from '../code.js';
import { DryRun } from '../dryrun.js';
import { needs, days, strategies, fieldsOf, bodyOf, newTarget, tell, targetTold } from '../rule.js';

// --- the form -----------------------------------------------------------------------

function Checks({ label, options, value, onInput, error }) {
	const flip = (v, on) => onInput(options.map((o) => o[0]).filter((x) => (x === v ? on : value.includes(x))));
	return html`<fieldset class="checks"><legend>${label}</legend>${options.map(([v, text]) => html`<label class="check" key=${v}>
		<input type="checkbox" checked=${value.includes(v)} aria-invalid=${error ? 'true' : undefined} onChange=${(e) => flip(v, e.target.checked)} />${text}</label>`)}
		${error && html`<div class="error" role="alert">${error}</div>`}</fieldset>`;
}

function Conditions({ f, set, err }) {
	const pattern = t('A pattern a line; * stands for any text.');
	const area = (k, label, hint, ...more) => html`<${Field} label=${label} type="textarea" value=${f[k]} onInput=${set(k)} hint=${hint} error=${err(...more)} spellcheck=${false} />`;
	return html`<h3>${t('If all of this holds')}</h3>
	<p class="dim">${t('What is empty asks for nothing.')}</p>
	<${Checks} label=${t('Client’s dialect')} options=${dialects} value=${f.client} onInput=${set('client')} error=${err('match.client')} />
	<div class="fields">${area('model', t('Model'), pattern, 'match.model')}${area('path', t('Path'), pattern, 'match.path')}
		${area('tenant', t('Tenant'), pattern, 'match.tenant')}${area('client_key', t('Client key'), pattern, 'match.client_key')}
		${area('any', t('Keywords, any of'), t('One a line.'), 'match.keywords', 'match.keywords.any')}${area('all', t('Keywords, all of'), t('One a line.'), 'match.keywords.all')}
		<${Field} label=${t('Keywords are looked for in')} type="select" value=${f.in} onInput=${set('in')} options=${[['both', t('both')], ['user', t('the last user message')], ['system', t('the system prompt')]]} error=${err('match.keywords.in')} />
		${area('header', t('Headers'), t('name: pattern, one a line.'), 'match.header')}
		<${Field} label=${t('Tokens above')} type="number" min="0" value=${f.above} onInput=${set('above')} hint=${t('Estimated input.')} error=${err('match.tokens', 'match.tokens.above')} />
		<${Field} label=${t('Tokens below')} type="number" min="1" value=${f.below} onInput=${set('below')} error=${err('match.tokens.below')} />
		<${Field} label=${t('Stream')} type="select" value=${f.stream} onInput=${set('stream')} options=${[['', t('either')], ['true', t('yes')], ['false', t('no')]]} error=${err('match.stream')} />
		<${Field} label=${t('From')} type="time" value=${f.from} onInput=${set('from')} hint=${t('Local time; may pass midnight.')} error=${err('match.time', 'match.time.from')} />
		<${Field} label=${t('Until')} type="time" value=${f.to} onInput=${set('to')} error=${err('match.time.to')} /></div>
	<${Checks} label=${t('Days')} options=${days.map(([v, text]) => [v, t(text)])} value=${f.days} onInput=${set('days')} error=${err('match.time.days')} />
	<fieldset class="checks"><legend>${t('What the request has')}</legend><div class="fields needs">${needs.map((n) => html`<${Field} key=${n} label=${t(`has: ${n}`).replace('has: ', '')} type="select" value=${f.has[n]}
		onInput=${(v) => set('has')({ ...f.has, [n]: v })} options=${[['', t('either')], ['has', t('yes')], ['has_not', t('no')]]} />`)}</div>
		${err('match.has', 'match.has_not') && html`<div class="error" role="alert">${err('match.has', 'match.has_not')}</div>`}</fieldset>`;
}

function Target({ x, i, n, set, drop, err, providers, pools }) {
	const at = (k) => err(`targets[${i}].${k}`);
	const put = (k) => (v) => set({ ...x, [k]: v });
	const area = (k, label, hint) => html`<${Field} label=${label} type="textarea" value=${x[k]} onInput=${put(k)} hint=${hint} error=${at(k)} spellcheck=${false} />`;
	return html`<fieldset class="card"><legend>${t('Target {n}', { n: i + 1 })}</legend>
		${err(`targets[${i}]`) && html`<div class="error" role="alert">${err(`targets[${i}]`)}</div>`}
		<div class="fields"><${Field} label=${t('Provider')} type="select" value=${x.provider} onInput=${(v) => set({ ...x, provider: v, pool: '' })} options=${choices(t('as the model’s name says'), providers.map((p) => p.name), x.provider)} error=${at('provider')} />
			<${Field} label=${t('Model')} value=${x.model} onInput=${put('model')} placeholder=${t('as the client asked')} spellcheck=${false} error=${at('model')} />
			<${Field} label=${t('Pool')} type="select" value=${x.pool} onInput=${put('pool')} options=${choices(t('all keys'), pools.filter((p) => p.provider === x.provider).map((p) => p.name), x.pool)} error=${at('pool')} />
			<${Field} label=${t('Weight')} type="number" min="0" value=${x.weight} onInput=${put('weight')} placeholder="1" error=${at('weight')} />
			${area('set', t('Parameters set'), t('Such as temperature: 0.2, one a line.'))}${area('default', t('Parameters by default'), t('Where the client gives none.'))}${area('remove', t('Parameters left out'), t('One a line.'))}</div>
		<${Field} label=${t('strict: 400 where something would be lost')} type="checkbox" value=${x.strict} onInput=${put('strict')} error=${at('strict')} />
		${n > 1 && html`<button type="button" class="small" onClick=${drop}>${t('Leave target {n} out', { n: i + 1 })}</button>`}</fieldset>`;
}

const known = /^(name|enabled|strategy|affinity|match\.(client|path|model|tenant|client_key|header|stream|has|has_not|keywords(\.(any|all|in))?|tokens(\.(above|below))?|time(\.(from|to|days))?)|targets\[\d+\](\.(provider|model|pool|weight|strict|set|default|remove))?)$/;

function Form({ item, position, providers, pools, onDone, onClose }) {
	const { f, set, form, met, save } = useEdit('/rules', item, fieldsOf, (x) => (item ? bodyOf(x) : { ...bodyOf(x), position }));
	const err = (...names) => names.map(form.fieldError).find(Boolean);
	const general = form.error && !known.test(form.error.field || '') ? form.error : null;
	const submit = async (e) => {
		e.preventDefault();
		if (await save()) {
			onDone();
			onClose();
		}
	};
	return html`<${Dialog} sheet title=${item ? item.name : t('Add a rule')} onClose=${onClose}><form class="rule" onSubmit=${submit}><${Met} met=${met} />
		<div class="fields"><${Field} label=${t('Name')} value=${f.name} onInput=${set('name')} required error=${err('name')} />
			<${Field} label=${t('Order of targets')} type="select" value=${f.strategy} onInput=${set('strategy')} options=${strategies.map(([v, text]) => [v, t(text)])} error=${err('strategy')} /></div>
		<${Field} label=${t('enabled')} type="checkbox" value=${f.enabled} onInput=${set('enabled')} error=${err('enabled')} />
		<${Field} label=${t('a conversation keeps its target and key')} type="checkbox" value=${f.affinity} onInput=${set('affinity')} error=${err('affinity')} />
		<${Conditions} f=${f} set=${set} err=${err} />
		<h3>${t('Then it goes to')}</h3>
		${f.targets.map((x, i) => html`<${Target} key=${i} x=${x} i=${i} n=${f.targets.length} err=${err} providers=${providers} pools=${pools}
			set=${(v) => set('targets')(f.targets.map((y, k) => (k === i ? v : y)))} drop=${() => set('targets')(f.targets.filter((_, k) => k !== i))} />`)}
		${f.targets.length < 16 && html`<button type="button" onClick=${() => set('targets')([...f.targets, newTarget()])}>${t('Add a target')}</button>`}
		${general && html`<${Failure} error=${general.field ? { message: `${general.field}: ${general.message}` } : general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Save')}</button></div></form></${Dialog}>`;
}

// --- the list -----------------------------------------------------------------------

// The order shown at once, told to the server one after another.
function useOrder(rules) {
	const [ids, setIds] = useState(null);
	const pending = useRef({ n: 0, last: Promise.resolve() });
	const all = rules.data ? rules.data.rules : [];
	useEffect(() => { if (pending.current.n === 0) setIds(null); }, [rules.data]);
	const list = ids ? ids.map((id) => all.find((r) => r.id === id)).filter(Boolean) : all;
	const move = (from, to) => {
		const next = list.map((r) => r.id);
		next.splice(to, 0, next.splice(from, 1)[0]);
		setIds(next);
		const p = pending.current;
		p.n++;
		p.last = p.last.then(() => api('POST', '/rules/order', { ids: next })).then(() => toast(t('Saved.')), (e) => toast(e.message, true)).then(() => {
			if (--p.n === 0)
				rules.reload();
		});
	};
	return [list, move];
}

function Rule({ o, i, n, admin, open, onSwitch, onMove, drag }) {
	const own = o.source === 'db';
	return html`<li class=${`card ${drag.over === i ? 'over' : ''}`} draggable=${admin && n > 1} onDragStart=${(e) => { e.dataTransfer.effectAllowed = 'move'; e.dataTransfer.setData('text/plain', o.name); drag.start(i); }}
		onDragOver=${(e) => { if (drag.from !== null) { e.preventDefault(); drag.enter(i); } }} onDrop=${(e) => { e.preventDefault(); drag.drop(i); }} onDragEnd=${drag.end}>
		<div class="bar">${admin && n > 1 && html`<span class="grip dim" aria-hidden="true">⠿</span>`}<strong>${i + 1}. ${o.name}</strong>${!o.enabled && html`<${Badge} kind="warn">${t('disabled')}</${Badge}>`}${!own && html`<${Badge}>app.yml</${Badge}>`}<span class="grow"></span>
			${admin && n > 1 && html`<button class="small" id=${`up${o.id}`} aria-disabled=${i === 0} aria-label=${t('Move {name} up', { name: o.name })} onClick=${() => i > 0 && onMove(i, i - 1, `up${o.id}`)}>↑</button>
				<button class="small" id=${`down${o.id}`} aria-disabled=${i === n - 1} aria-label=${t('Move {name} down', { name: o.name })} onClick=${() => i < n - 1 && onMove(i, i + 1, `down${o.id}`)}>↓</button>`}
			${admin && own && html`<button class="small" aria-label=${t('Change {name}', { name: o.name })} onClick=${() => open({ item: o })}>${t('Change')}</button>
				<button class="small" aria-label=${t(o.enabled ? 'Disable {name}' : 'Enable {name}', { name: o.name })} onClick=${onSwitch}>${o.enabled ? t('Disable') : t('Enable')}</button>
				<button class="small danger" aria-label=${t('Delete {name}', { name: o.name })} onClick=${() => open({ del: o })}>${t('Delete')}</button>`}</div>
		<dl class="facts"><dt>${t('If')}</dt><dd>${Object.keys(o.match).length ? Object.entries(o.match).map(([k, v]) => html`<span class="cond" key=${k}><span class="dim">${k}</span> <span class="mono">${tell(v)}</span></span>`) : t('always')}</dd>
			<dt>${t('Goes to')}</dt><dd><span class="mono">${o.targets.map(targetTold).join(' → ')}</span> ${o.strategy !== 'ordered' && html`<${Badge}>${t(strategies.find((s) => s[0] === o.strategy)[1])}</${Badge}>`}</dd></dl></li>`;
}

export function Routes({ user }) {
	const rules = useGet('/rules');
	const providers = useGet('/providers');
	const pools = useGet('/pools');
	const [open, setOpen] = useState(null);
	const [from, setFrom] = useState(null);
	const [over, setOver] = useState(null);
	const [said, say] = useState('');
	const [list, move] = useOrder(rules);
	const admin = user.role === 'admin';
	const close = () => setOpen(null);
	const onMove = (a, b, id) => {
		say(t('{name} is now {n} of {all}', { name: list[a].name, n: b + 1, all: list.length }));
		move(a, b);
		// What has the focus keeps it, wherever it moves to.
		if (id)
			setTimeout(() => { const e = document.getElementById(id); if (e) e.focus(); });
	};
	const end = () => { setFrom(null); setOver(null); };
	const drag = { from, over, start: setFrom, enter: setOver, end, drop: (i) => { if (from !== null && from !== i) onMove(from, i); end(); } };
	const onSwitch = async (o) => {
		try {
			await api('PATCH', `/rules/${o.id}`, { enabled: !o.enabled }, { etag: o.etag });
			toast(t('Saved.'));
		} catch (e) {
			toast(e.message, true);
		}
		rules.reload();
	};
	const position = Math.min(1000000, Math.max(90, ...list.map((r) => r.position)) + 10);
	return html`<${Panel} title=${t('Rules')} right=${admin && html`<button class="primary" onClick=${() => setOpen({ add: true })}>${t('Add a rule')}</button>`}>
		<p class="dim">${t('The first rule that a request matches takes it. Where none does, its model’s name decides.')}</p><div class="sr" role="status" aria-live="polite">${said}</div>
		<${Load} of=${rules}>${() => (list.length === 0 ? html`<${Empty}>${t('None yet. A rule sends requests to other models or providers by what they are.')}</${Empty}>` :
			html`<ol class="rules">${list.map((o, i) => html`<${Rule} key=${o.id} o=${o} i=${i} n=${list.length} admin=${admin} open=${setOpen} onSwitch=${() => onSwitch(o)} onMove=${onMove} drag=${drag} />`)}</ol>`)}</${Load}></${Panel}>
	<${DryRun} />
	${open && (open.add || open.item) && providers.data && pools.data && html`<${Form} item=${open.item} position=${position} providers=${providers.data.providers} pools=${pools.data.pools} onDone=${rules.reload} onClose=${close} />`}
	${open && open.del && html`<${Confirm} title=${t('Delete rule “{name}”?', { name: open.del.name })} yes=${t('Delete')} onClose=${close}
		text=${t('Requests that it took no longer go to {target}: later rules and the model’s name decide.', { target: open.del.targets.map(targetTold).join(', ') })}
		onYes=${() => remove('/rules', open.del, rules.reload)} />`}`;
}
