// Who did what.
import { html, useState, useEffect, get, query, t, lang, when } from '../lib.js';
import { Panel, Badge, Empty, Failure, Skeleton, Cards } from '../parts.js';
import { acts } from '../problems.js';

function said(action) {
	if (lang() !== 'zh' || acts[action])
		return lang() === 'zh' ? acts[action] : action;
	const verb = Object.keys(acts).find((v) => action.startsWith(`${v} `) && acts[action.slice(v.length + 1)]);
	return verb ? acts[verb] + acts[action.slice(verb.length + 1)] : action;
}

export function Audit() {
	const [acts, setActs] = useState(null);
	const [next, setNext] = useState(null);
	const [error, setError] = useState(null);
	const load = async (before) => {
		try {
			const r = await get(`/audit${query({ limit: 100, before })}`);
			setActs((a) => [...(before ? a : []), ...r.acts]);
			setNext(r.next);
			setError(null);
		} catch (e) {
			setError(e);
		}
	};
	useEffect(() => { load(); }, []);
	return html`<${Panel}>
		<p class="dim">${t('Every change and every log-in, also those that were refused. Nothing is ever deleted here.')}</p>
		${error && html`<${Failure} error=${error} again=${() => load()} />`}
		${!acts && !error && html`<${Skeleton} />`}
		${acts && acts.length === 0 && html`<${Empty}>${t('Nothing yet.')}</${Empty}>`}
		${acts && acts.length > 0 && html`<${Cards}><table>
			<thead><tr><th>${t('Time')}</th><th>${t('Who')}</th><th>${t('Address')}</th><th>${t('What')}</th><th>${t('Object')}</th><th>${t('Detail')}</th></tr></thead>
			<tbody>${acts.map((a) => html`<tr key=${a.id}><td class="nowrap">${when(a.time)}</td><td>${a.actor}</td><td class="mono">${a.client}</td>
				<td>${said(a.action)} ${!a.ok && html`<${Badge} kind="bad">${t('refused')}</${Badge}>`}</td><td class="wrap">${a.object}</td><td class="wrap">${a.detail.length > 160 ? html`<details><summary>${a.detail.slice(0, 120)} …</summary>${a.detail}</details>` : a.detail}</td></tr>`)}</tbody>
		</table></${Cards}>`}
		${next && html`<div class="actions"><button onClick=${() => load(next)}>${t('Older')}</button></div>`}
	</${Panel}>`;
}
