// The app's pages: plain HTML, Japanese first and English beside it.

const escape = (text) =>
  String(text).replace(/[&<>"']/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[one]);

function page(title, state, body) {
  return `<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
body { font-family: system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.7 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #bbb }
td.number { text-align: right; font-variant-numeric: tabular-nums } .en { color: #555; font-size: .9em }
button, .button { font: inherit; padding: .5rem 1.2rem }
svg { width: 100%; height: auto } .bar { fill: #7a9cc6 } .earned { fill: #1b4f8f } svg text { font-size: 18px }
</style>
</head>
<body data-state="${state}">
<h1>${escape(title)}</h1>
${body}
</body>
</html>
`;
}

const both = (ja, en) => `${escape(ja)} <span class="en" lang="en">${escape(en)}</span>`;
const connect = (ja, en) => `<form method="post" action="/connect"><button>${both(ja, en)}</button></form>`;

export const welcome = () =>
  page(
    'あるくポイント',
    'welcome',
    `<p>${both('1日の歩数でポイントがつきます。', 'Days with enough steps earn a point.')}</p>
<p>${both('歩数は、あなたが同意した分だけを関所から受け取ります。', 'Steps come from Sekisho, as far as you agree.')}</p>
${connect('歩数をつなぐ', 'Connect my steps')}`,
  );

/** The month as bars; days that earned a point are darker. The table below says the same. */
function chart(days) {
  const most = Math.max(1, ...days.map((one) => one.steps));
  const bars = days.map((one) => {
    const day = Number(one.day.slice(-2));
    const height = Math.round((one.steps * 180) / most);
    const label = day === 1 || day % 5 === 0 ? `<text x="${day * 20 - 2}" y="216" text-anchor="middle">${day}</text>` : '';
    return `<rect class="bar${one.earned ? ' earned' : ''}" x="${day * 20 - 10}" y="${194 - height}" width="16" height="${height}"><title>${one.day}: ${one.steps}</title></rect>${label}`;
  });
  return `<svg viewBox="0 0 640 222" role="img" aria-label="歩数の棒グラフ（同じ数字が下の表にあります） / bar chart of steps, the same as the table below">${bars.join('')}</svg>`;
}

/** Asked for what the resident did not agree to tell, or what an age band leaves open. */
function questions(person, month) {
  const sex = person.sex
    ? ''
    : `<fieldset><legend>${both('性別', 'Sex')}</legend>
<label><input type="radio" name="sex" value="female" required> ${both('女性', 'female')}</label>
<label><input type="radio" name="sex" value="male"> ${both('男性', 'male')}</label></fieldset>`;
  const [youngest, oldest] = [person.low ?? 0, person.high ?? 120];
  const age = person.birthDate
    ? ''
    : `<p><label>${both('年齢', 'Age')} <input type="number" name="age" required min="${youngest}" max="${oldest}"></label></p>`;
  return `<form method="post" action="/about-me"><p>${both('必要な歩数は年齢と性別で決まります。', 'How many steps a day needs depends on age and sex.')}</p>
<input type="hidden" name="month" value="${escape(month)}">${sex}${age}
<button>${both('決める', 'Set')}</button></form>`;
}

export function month({ month, previous, next, days, person }) {
  const points = days.filter((one) => one.earned).length;
  const open = days.some((one) => one.needed === null);
  const rows = days.map((one) => {
    const verdict = one.needed === null ? '－' : one.earned ? '○ 1' : '';
    const running = one.final ? '' : ` ${both('(途中)', '(not final)')}`;
    const later = one.corrected === undefined ? '' : ` ${both(`(抽選後に${one.corrected.toLocaleString('ja-JP')}歩へ訂正)`, `(corrected to ${one.corrected} after the draw)`)}`;
    const note = running + later;
    return `<tr data-day="${one.day}" data-steps="${one.steps}" data-earned="${one.earned}"><td>${one.day}${note}</td>
<td class="number">${one.steps.toLocaleString('ja-JP')}</td><td class="number">${one.needed?.toLocaleString('ja-JP') ?? ''}</td><td>${verdict}</td></tr>`;
  });
  const table =
    days.length === 0
      ? `<p>${both('この月の歩数はありません。', 'No steps in this month.')}</p>`
      : `${chart(days)}
<table><thead><tr><th>${both('日', 'Day')}</th><th>${both('歩数', 'Steps')}</th><th>${both('必要', 'Needed')}</th><th>${both('ポイント', 'Point')}</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
  return page(
    `${month} の歩数`,
    open && days.length > 0 ? 'asking' : 'points',
    `${open && days.length > 0 ? questions(person, month) : `<p><strong data-points="${points}">${both(`${points} ポイント`, `${points} points`)}</strong></p>`}
${table}
<p><a href="/days?month=${previous}">${previous}</a> · <a href="/days?month=${next}">${next}</a></p>
<form method="post" action="/forget"><button>${both('このアプリの記憶を消す', 'Forget me here')}</button></form>`,
  );
}

export const refused = () =>
  page(
    '歩数を受け取れません',
    'refused',
    `<p>${both('同意が取り消されたか、期限が切れました。', 'The consent was withdrawn or has ended.')}</p>
${connect('もう一度つなぐ', 'Connect again')}`,
  );

export const failed = (ja, en) =>
  page('うまくいきませんでした', 'failed', `<p>${both(ja, en)}</p>${connect('もう一度つなぐ', 'Connect again')}`);
