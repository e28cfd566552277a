// Plays a resident of the demo for whoever asks: gets an authorization URL, signs in, agrees to daily activity, and prints where
// the browser was sent back to.
//
//   node end-to-end/answer.mjs LOGIN PASSWORD AUTHORIZATION-URL
import { Browser } from './browser.mjs';
import { agreeToDaily, signIn } from './resident.mjs';

const [login, password, address] = process.argv.slice(2);
const stopAt = new URL(address).searchParams.get('redirect_uri');
const browser = new Browser({ stopAt });
const page = await signIn(browser, await browser.open(address), { login, password });
const back = await agreeToDaily(browser, page, 'activity');
console.log(back.url);
