// Keeps an open page up to date. Without it the page is read as it was when it was loaded.
const main = document.querySelector("main[data-live]");

function relative(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
    time.title ||= time.textContent;
    if (seconds < 60) time.textContent = `${seconds} s ago`;
    else if (seconds < 3600) time.textContent = `${Math.floor(seconds / 60)} min ago`;
    else if (seconds < 86400) time.textContent = `${Math.floor(seconds / 3600)} h ago`;
    else time.textContent = time.title;
  }
}

function putTile({ name, html }) {
  const tiles = document.getElementById("tiles");
  const old = document.getElementById(`machine-${name}`);
  if (html === null) {
    old?.remove();
    return count();
  }
  if (!old && tiles.dataset.complete !== "true") return;
  document.querySelector(".empty")?.remove();
  const fresh = document.createRange().createContextualFragment(html).firstElementChild;
  relative(fresh);
  if (old) old.replaceWith(fresh);
  else tiles.insertBefore(fresh, [...tiles.children].find((tile) => tile.dataset.name > name) ?? null);
  count();
}

function count() {
  if (document.getElementById("tiles").dataset.complete !== "true") return;
  const counts = new Map();
  for (const { dataset } of document.querySelectorAll(".tile")) counts.set(dataset.state, (counts.get(dataset.state) ?? 0) + 1);
  document.getElementById("counts").textContent = [...counts].map(([state, number]) => `${number} ${state}`).join(" · ");
}

// A page somebody is typing into, or has unfolded something on, is not taken away from them.
function busy() {
  return main.contains(document.activeElement) && document.activeElement.matches("input, select") || main.querySelector("details[open]");
}

let reading = false;
async function reread() {
  if (reading || busy()) return;
  reading = true;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main[data-live]");
    if (fresh) {
      main.replaceChildren(...fresh.childNodes);
      // An answer to a form stays until its reader goes on.
      const notices = document.getElementById("notices");
      if (!notices.querySelector("[role=alert]")) notices.replaceChildren(...page.getElementById("notices").childNodes);
    }
    relative(document);
    toEnd();
  } catch {
    location.reload();
  } finally {
    reading = false;
  }
}

function toEnd() {
  const log = document.getElementById("log");
  if (log) log.scrollTop = log.scrollHeight;
}

relative(document);
toEnd();
if (main) {
  setInterval(() => relative(document), 10_000);
  const source = new EventSource("/live");
  let wasOpen = false;
  source.onopen = () => {
    // What happened while the connection was down was missed.
    if (wasOpen) reread();
    wasOpen = true;
  };
  source.addEventListener("tile", (message) => {
    const tile = JSON.parse(message.data);
    if (main.dataset.live === "tiles") putTile(tile);
    else if (tile.name === main.dataset.name || main.querySelector(`.tile[data-name="${tile.name}"]`)) reread();
  });
  source.addEventListener("cluster", (message) => {
    if (main.dataset.live === "cluster" && JSON.parse(message.data).name === main.dataset.name) reread();
  });
  if (main.dataset.live === "machine") {
    setInterval(() => { if (document.querySelector(".tile.busy")) reread(); }, 3000);
  }
  // Listeners, other DHCP servers and machines that knock have no event of their own.
  setInterval(reread, 30_000);
}
