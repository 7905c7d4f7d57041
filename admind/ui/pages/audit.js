// Who did what.
import { html, useState, useEffect, get, query, t, when } from '../lib.js';
import { Panel, Badge, Empty, Failure, Skeleton } from '../parts.js';

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
		${acts && acts.length > 0 && html`<div class="scroll"><table>
			<thead><tr><th>${t('Time')}</th><th>${t('Who')}</th><th>${t('Address')}</th><th>${t('What')}</th><th>${t('Object')}</th><th>${t('Detail')}</th></tr></thead>
			<tbody>${acts.map((a) => html`<tr key=${a.id}><td class="nowrap">${when(a.time)}</td><td>${a.actor}</td><td class="mono">${a.client}</td>
				<td>${a.action} ${!a.ok && html`<${Badge} kind="bad">${t('refused')}</${Badge}>`}</td><td class="clip" title=${a.object}>${a.object}</td><td class="clip" title=${a.detail}>${a.detail}</td></tr>`)}</tbody>
		</table></div>`}
		${next && html`<div class="actions"><button onClick=${() => load(next)}>${t('Older')}</button></div>`}
	</${Panel}>`;
}
