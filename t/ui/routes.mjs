// Models and routes, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please } from './harness.mjs';

const evil = '<img src=x onerror=window.hacked=1>';
const page = await open({ locale: 'en-GB' });
const press = (name, where = page) => where.getByRole('button', { name, exact: true }).click();
const dialog = () => page.locator('dialog[open]').last();
const toast = (text) => page.waitForSelector(`.toast:has-text("${text}")`);
const gone = () => page.waitForSelector('dialog[open]', { state: 'detached' });
const call = async (method, path, body) => page.evaluate(async ([m, p, b]) => {
	const c = (await (await fetch('api/v1/session')).json()).user.csrf;
	const r = await fetch(`api/v1${p}`, { method: m, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': c }, body: b === null ? undefined : JSON.stringify(b) });
	return r.status === 204 ? null : r.json();
}, [method, path, body === undefined ? null : body]);
const at = async (name) => { await page.goto(`${BASE}/#/dashboard`); await page.goto(`${BASE}/#/${name}`); await settled(page); };
const unhurt = async (what) => say(await page.evaluate(() => !window.hacked && !document.querySelector('#page img, dialog img')), `${what}: markup is text`);

async function phone(name) {
	await page.setViewportSize({ width: 390, height: 800 });
	const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth - window.innerWidth, ...[...document.querySelectorAll('dialog[open]')].map((d) => d.scrollWidth - d.clientWidth)));
	say(wide <= 0, `${name}: fits a phone`, `${wide} px too wide`);
	await shot(page, `${name}-phone`);
	await page.setViewportSize({ width: 1360, height: 900 });
}

await step('set-up', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await press('Set up');
	await page.waitForSelector('.tile');
});

await step('a pool', async () => {
	const r = await call('POST', '/pools', { name: 'few', provider: 'openai', keys: [] });
	say(r.id > 0, 'a pool is there', JSON.stringify(r));
});

// --- models -------------------------------------------------------------------------

let model;
await step('models', async () => {
	await at('models');
	await press('Add a model');
	await dialog().getByLabel('Route key').fill('quick');
	await dialog().getByLabel('Target model').fill('mock-echo');
	await press('Save', dialog());
	await dialog().locator('.error, [role=alert]').first().waitFor();
	say(await dialog().getByLabel('Provider').getAttribute('aria-invalid') === 'true', 'a missing provider is told at its field', await dialog().textContent());
	await dialog().getByLabel('Provider').selectOption('mock');
	await axe(page, 'form of a model');
	await phone('model-form');
	await press('Save', dialog());
	await gone();
	model = (await call('GET', '/models')).models.find((m) => m.route_key === 'quick');
	say(model && model.provider === 'mock' && model.target_model === 'mock-echo', 'a model is added', JSON.stringify(model));
	await call('POST', '/models', { route_key: evil, target_model: evil, provider: 'mock' });
	await at('models');
	await unhurt('models');
	say(await page.locator('tr', { hasText: 'filed' }).getByRole('button', { name: 'Delete filed' }).count() === 0, 'what app.yml has is not changed here');
	await axe(page, 'models');
	await shot(page, 'models-full');
	await please('known');
	await press('Test quick');
	await dialog().locator('dl').waitFor({ timeout: 15000 });
	say(/Status200/.test(await dialog().textContent()) && /ms|s\b/.test(await dialog().textContent()), 'a model is tested by one request', await dialog().textContent());
	await shot(page, 'model-test');
	await press('Done', dialog());
	await call('POST', '/models', { route_key: 'broken', target_model: 'mock-500', provider: 'mock' });
	await please('known');
	await at('models');
	await press('Test broken');
	await dialog().locator('dl').waitFor({ timeout: 30000 });
	say(/Status5\d\d/.test(await dialog().textContent()) && await dialog().locator('[role=alert]').count() === 1, 'and what fails is told', await dialog().textContent());
	await press('Done', dialog());
	await press('Disable quick');
	await toast('Saved.');
	await page.getByRole('button', { name: 'Enable quick' }).waitFor();
	say((await call('GET', `/models/${model.id}`)).enabled === false && await page.getByRole('button', { name: 'Test quick' }).isDisabled(), 'it is disabled');
});

await step('somebody else', async () => {
	await press('Change quick');
	await dialog().getByLabel('Target model').fill('mock-mine');
	await call('PATCH', `/models/${model.id}`, { target_model: 'mock-theirs', mode: 'direct' });
	await press('Save', dialog());
	await dialog().locator('.met').waitFor();
	say((await dialog().locator('.met').textContent()).includes('target_model: mock-theirs'), 'what would be overwritten is said');
	say(await dialog().getByLabel('Target model').inputValue() === 'mock-mine', 'what was typed is kept');
	say(await dialog().getByLabel('Mode', { exact: true }).inputValue() === 'direct', 'and the rest is as it is now');
	await shot(page, 'model-met');
	await axe(page, 'changed by somebody else');
	await press('Save', dialog());
	await gone();
	const m = await call('GET', `/models/${model.id}`);
	say(m.target_model === 'mock-mine' && m.mode === 'direct', 'saved again, both hold', JSON.stringify(m));
});

await step('deletion of a model', async () => {
	await press('Delete quick');
	say((await dialog().textContent()).includes('“quick”') && (await dialog().textContent()).includes('mock mock-mine') && (await dialog().textContent()).includes('undone'), 'what it destroys is named');
	await dialog().locator('button.danger').click();
	await gone();
	await page.getByRole('link', { name: 'Undo …' }).last().waitFor();
	say(!(await call('GET', '/models')).models.some((m) => m.id === model.id), 'a model is deleted, and may be undone');
});

// --- routes -------------------------------------------------------------------------

const rules = async () => (await call('GET', '/rules')).rules;
const full = {
	client: ['anthropic', 'gemini'], path: ['/v1/*'], model: ['r-*', 'x'], tenant: ['t*'], client_key: ['k'], keywords: { any: ['one', 'two words'], all: ['three'], in: 'user' },
	tokens: { above: 10, below: 5000 }, has: ['image'], has_not: ['tools', 'schema'], stream: true, header: { 'x-team': 'blue*' }, time: { from: '22:00', to: '06:00', days: ['mon', 'sun'] },
};
await step('every field of a rule', async () => {
	await at('routes');
	await press('Add a rule');
	const d = dialog();
	const fill = (l, v, where = d) => where.getByLabel(l, { exact: true }).fill(v);
	const choose = (l, v, where = d) => where.getByLabel(l, { exact: true }).selectOption(v);
	await fill('Name', 'all of it');
	await choose('Order of targets', 'weighted');
	await d.getByLabel('a conversation keeps its target and key').uncheck();
	for (const x of ['Anthropic Messages', 'Gemini', 'Mon', 'Sun'])
		await d.getByLabel(x, { exact: true }).check();
	await d.getByLabel('Model', { exact: true }).first().fill('r-*\nx');
	await fill('Path', '/v1/*');
	await fill('Tenant', 't*');
	await fill('Client key', 'k');
	await fill('Keywords, any of', 'one\ntwo words');
	await fill('Keywords, all of', 'three');
	await choose('Keywords are looked for in', 'user');
	await fill('Headers', 'x-team blue');
	await fill('Tokens above', '10');
	await fill('Tokens below', '5000');
	await choose('Stream', 'true');
	await fill('From', '22:00');
	await fill('Until', '06:00');
	await choose('image', 'has');
	await choose('tools', 'has_not');
	await choose('schema', 'has_not');
	await press('Add a target', d);
	const [a, b] = [0, 1].map((i) => d.locator('fieldset.card').nth(i));
	await choose('Provider', 'mock', a);
	await fill('Model', 'mock-echo', a);
	await fill('Weight', '3', a);
	await fill('Parameters set', 'temperature: 0.2\nuser: 7', a);
	await fill('Parameters by default', 'max_tokens: 100', a);
	await fill('Parameters left out', 'top_k', a);
	await a.getByLabel(/^strict/).check();
	await choose('Provider', 'openai', b);
	await choose('Pool', 'few', b);
	const told = async (label, where, part) => {
		await press('Save', d);
		const e = where.getByLabel(label, { exact: true }).first();
		await e.and(page.locator('[aria-invalid=true]')).waitFor();
		const text = await e.locator('xpath=..').locator('.error').textContent();
		say(text.includes(part), `${label}: told at its field`, text);
	};
	await told('Headers', d, 'is not “name: value”');
	await fill('Headers', 'x-team: blue*');
	await told('Name', d, 'is no name');
	await fill('Name', 'all');
	await fill('Parameters set', 'moon: 1', a);
	await told('Parameters set', a, "unknown parameter 'moon'");
	await fill('Parameters set', 'temperature: 0.2\nuser: 7', a);
	await axe(page, 'form of a rule');
	await shot(page, 'rule-form');
	await phone('rule-form');
	await press('Save', d);
	await gone();
	const r = (await rules())[0];
	const sorted = (v) => JSON.stringify(v, (k, x) => (x && typeof x === 'object' && !Array.isArray(x) ? Object.fromEntries(Object.entries(x).sort()) : x));
	say(sorted(r.match) === sorted(full), 'every condition', sorted(r.match));
	say(sorted(r.targets) === sorted([{ provider: 'mock', model: 'mock-echo', weight: 3, strict: true, set: { temperature: 0.2, user: '7' }, default: { max_tokens: 100 }, remove: ['top_k'] }, { provider: 'openai', pool: 'few' }]), 'every member of a target', sorted(r.targets));
	say(r.strategy === 'weighted' && r.affinity === false, 'strategy and affinity');
	await press('Change all');
	await press('Save', dialog());
	await gone();
	const again = (await rules())[0];
	say(sorted(again) === sorted(r), 'saved as it is, it stays as it is', sorted(again));
});

await step('order', async () => {
	for (const name of ['two', 'three'])
		await call('POST', '/rules', { name, position: 900, match: { model: `${name}-*`, header: { 'x-evil': evil } }, targets: [{ provider: 'mock', model: evil }] });
	await at('routes');
	await unhurt('routes');
	const order = async () => (await rules()).map((r) => r.name).join(' ');
	say(await order() === 'all two three', 'as made', await order());
	await page.getByRole('button', { name: 'Move three up' }).focus();
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.querySelector('ol.rules li:nth-child(2)').textContent.includes('three'));
	await page.waitForTimeout(100);
	await page.keyboard.press('Enter');
	await toast('Saved.');
	await page.waitForFunction(() => document.querySelector('ol.rules li').textContent.includes('three'));
	await settled(page);
	await page.waitForTimeout(400);
	say(await order() === 'three all two', 'moved by keyboard, the focus with it', await order());
	say((await page.locator('#page .sr[role=status]').textContent()).includes('three is now 1 of 3'), 'and it is said');
	await page.locator('ol.rules li').nth(2).dragTo(page.locator('ol.rules li').nth(0));
	await page.waitForFunction(() => document.querySelector('ol.rules li').textContent.includes('two'));
	await page.waitForTimeout(600);
	say(await order() === 'two three all', 'moved by dragging', await order());
	await press('Disable two');
	await page.getByRole('button', { name: 'Enable two' }).waitFor();
	say((await rules())[0].enabled === false, 'disabled');
	await press('Delete three');
	say((await dialog().textContent()).includes('“three”'), 'what goes is named');
	await unhurt('deletion');
	await dialog().locator('button.danger').click();
	await gone();
	await page.getByRole('link', { name: 'Undo …' }).last().waitFor();
	say(await order() === 'two all', 'deleted');
});

await step('dry run', async () => {
	await call('POST', '/rules', { name: 'blue', position: 950, match: { header: { 'x-team': 'blue*' } }, targets: [{ provider: 'openai', model: 'gpt-5.5', set: { temperature: 0.5 } }, { provider: 'mock' }] });
	await at('routes');
	const form = page.locator('#page form');
	await form.getByLabel('Model', { exact: true }).fill('mock-echo');
	await form.getByLabel('Message', { exact: true }).fill(`hello ${evil}`);
	await form.getByLabel('Headers').fill('x-team: blue-7');
	await press('Tell');
	await page.locator('.result').waitFor();
	let text = await page.locator('.result').textContent();
	say(text.includes('Rule “blue” takes it') && text.includes('openai') && text.includes('active') && text.includes('would be asked'), 'rule, targets and keys', text);
	say((await page.locator('.result table').last().locator('tr', { hasText: 'all' }).textContent()).includes('client'), 'why another did not', text);
	await axe(page, 'dry run');
	await page.screenshot({ path: `${process.env.SCREENS}/routes-full.png`, fullPage: true });
	await phone('dry-run');
	await press('Whole body');
	const body = form.getByLabel('Body of the request, as JSON');
	say(JSON.parse(await body.inputValue()).model === 'mock-echo', 'the whole body begins as what was typed');
	await body.fill('{');
	await press('Tell');
	await form.locator('.error').waitFor();
	say(await body.getAttribute('aria-invalid') === 'true', 'what is no JSON is told');
	await form.getByLabel('Headers').fill('');
	await body.fill(JSON.stringify({ model: 'mock-echo', messages: [{ role: 'user', content: 'x' }] }));
	await press('Tell');
	await page.locator('.result').waitFor();
	text = await page.locator('.result').textContent();
	say(text.includes('No rule takes it') && text.includes('mock'), 'by its name', text);
	await press('Message');
	for (const d of ['gemini', 'anthropic', 'openai-responses']) {
		await form.getByLabel('Dialect').selectOption(d);
		await press('Tell');
		await page.waitForFunction(() => !document.querySelector('#page form button.primary').disabled);
		say(await page.locator('#page form [role=alert]').count() === 0 && await page.locator('.result').count() === 1, `${d}: told`, await page.locator('#page form').textContent());
	}
	await unhurt('dry run');
});

await step('Chinese', async () => {
	await press('中文');
	for (const [name, button] of [['models', '添加模型'], ['routes', '添加规则']]) {
		await at(name);
		await press(button);
		await dialog().waitFor();
		await shot(page, `${name}-form-zh`);
		await page.keyboard.press('Escape');
		await gone();
	}
	await page.locator('#page form').getByLabel('模型', { exact: true }).fill('mock-echo');
	await press('查看');
	await page.locator('.result').waitFor();
	await shot(page, 'routes-result-zh');
	const missing = await page.evaluate(() => [...window.untranslated]);
	say(missing.length === 0, 'all of it in Chinese', missing.join('\n'));
});

await browser.close();
process.exit(0);
