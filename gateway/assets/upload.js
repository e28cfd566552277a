// Shows how far an upload got. The page works without it: the form is an ordinary form, and a link shows the state.
const PAGE = '/portal/upload';
const SPOKEN_EVERY_MS = 5000;

const say = (status, text) => {
  // Screen readers are told now and then only.
  const now = Date.now();
  if (now - Number(status.dataset.saidAt ?? 0) < SPOKEN_EVERY_MS) return;
  status.dataset.saidAt = String(now);
  status.textContent = text;
};

const form = document.querySelector('form[data-upload]');
form?.addEventListener('submit', (event) => {
  event.preventDefault();
  const area = form.querySelector('[data-progress]');
  const progress = area.querySelector('progress');
  const status = area.querySelector('[role=status]');
  const button = form.querySelector('button');
  area.hidden = false;
  button.disabled = true;
  const request = new XMLHttpRequest();
  request.open('POST', form.action);
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    const percent = total > 0 ? Math.floor((loaded * 100) / total) : 0;
    progress.value = percent;
    say(status, status.dataset.sending.replace('#', String(percent)));
  });
  request.addEventListener('load', () => {
    const answer = new URL(request.responseURL || PAGE, location.href);
    location.assign(answer.origin === location.origin ? answer.href : PAGE);
  });
  request.addEventListener('error', () => {
    button.disabled = false;
    status.textContent = status.dataset.failed;
  });
  request.send(new FormData(form));
});

const running = document.querySelector('[data-running]');
const look = async () => {
  try {
    const answer = await fetch(`${PAGE}/state`, { headers: { accept: 'application/json' } });
    const state = await answer.json();
    if (!state.under_way) {
      location.replace(PAGE);
      return;
    }
    const status = running.querySelector('[role=status]');
    running.querySelector('progress').value = state.percent;
    say(status, status.dataset[state.step].replace('#', String(state.percent)));
  } catch {
    // The line is down for a moment: the next look tells.
  }
  setTimeout(look, 1000);
};
if (running) setTimeout(look, 1000);
