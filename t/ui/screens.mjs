// Pictures for the READMEs; see screens.pl.
import { BASE, TOKEN, SCREENS, browser, open, settled, step } from './harness.mjs';

const page = await open({ viewport: { width: 1200, height: 760 }, locale: 'en-GB' });
const choose = (name) => page.getByRole('button', { name, exact: true }).click();

async function picture(hash, name, before) {
	await page.goto(`${BASE}/#/${hash}`);
	await settled(page);
	if (before)
		await before();
	await settled(page);
	await page.waitForTimeout(600);
	await page.screenshot({ path: `${SCREENS}/readme-${name}.png` });
}

const text = JSON.stringify({ model: 'claude-sonnet-5', max_tokens: 500, top_k: 5, system: 'Be brief.', messages: [{ role: 'user',
    content: 'Say hello in French and Chinese.' }] }, null, 2);

await step('pictures', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.waitForSelector('form');
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await page.getByRole('button', { name: 'Set up' }).click();
	await page.waitForSelector('.tile');
	for (const [lang, end] of [['EN', ''], ['中文', '-zh']]) {
		await choose('☀');
		await choose(lang);
		await picture('dashboard', `dashboard${end}`);
		await choose('☾');
		await picture('logs', `request${end}`, async () => {
			await page.waitForSelector('tr.click');
			await page.locator('tr.click').first().click();
			await page.waitForSelector('dialog[open]');
		});
		await page.keyboard.press('Escape');
		await choose('☀');
		await picture('lab', `lab${end}`, async () => {
			await page.locator('textarea').first().fill(text);
			await page.waitForTimeout(500);
		});
	}
});
await browser.close();
process.exit(0);
