// Revisions in words, and their diffs.
import { html, t } from './lib.js';
import { Badge } from './parts.js';

const ops = { add: ['good', 'added'], change: ['warn', 'changed'], remove: ['bad', 'removed'] };

// "added client key" "laptop"
export function what(r) {
	if (r.since < r.n)
		return t('older ones, merged');
	const [, op, kind] = r.action.match(/^(add|change|remove) (.+)$/) || [];
	const action = op ? `${t(ops[op][1])} ${t(kind)}` : t(r.action);
	return html`${action} ${r.object && html`<b>${r.object}</b>`}`;
}

function value(v) {
	if (v === null || v === undefined || v === '')
		return html`<span class="dim">–</span>`;
	return typeof v === 'object' ? JSON.stringify(v) : v === true ? t('yes') : v === false ? t('no') : String(v);
}

function Row({ f, op }) {
	return html`<tr><td class="mono">${f.name}</td>${f.secret ? html`<td class="dim" colspan="2">${t('secret, not shown')}</td>` : html`
		${op !== 'add' ? html`<td class="old">${value(f.old)}</td>` : html`<td></td>`}
		${op !== 'remove' ? html`<td class="new">${value(f.new)}</td>` : html`<td></td>`}`}</tr>`;
}

function Item({ d, open }) {
	const [kind, word] = ops[d.op];
	const head = html`<${Badge} kind=${kind}>${t(word)}</${Badge}> ${t(d.kind)} <b>${d.name}</b>${d.of ? html` <span class="dim">${d.of}</span>` : ''}
		${d.file ? html` <${Badge}>app.yml</${Badge}>` : ''}`;
	if (d.fields.length === 0)
		return html`<div class="diff">${head}</div>`;
	return html`<details class="diff" open=${open}><summary>${head}</summary>
		<div class="scroll"><table><thead class="sr"><tr><th>${t('Field')}</th><th>${t('before')}</th><th>${t('after')}</th></tr></thead>
		<tbody>${d.fields.map((f) => html`<${Row} key=${f.name} f=${f} op=${d.op} />`)}</tbody></table></div></details>`;
}

const most = 200;

export function Diff({ items }) {
	return html`<div class="diffs">${items.slice(0, most).map((d, i) => html`<${Item} key=${i} d=${d} open=${items.length <= 8} />`)}
		${items.length > most && html`<p class="dim">${t('and {n} more', { n: items.length - most })}</p>`}
		${items.length === 0 && html`<p class="dim">${t('Nothing that is shown.')}</p>`}</div>`;
}
