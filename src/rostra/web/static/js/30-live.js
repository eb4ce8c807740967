// What is new: told by the server's events where there are any, asked for now and then otherwise.
(() => {
  const POLL = 30000;
  const COUNTS = 45000;
  let events = null;
  let told = false; // whether events were told before
  let pending = 0;

  /** What is shown already though it is newer: one's own, just posted. */
  const have = (live) =>
    [...document.querySelectorAll("#timeline > article")]
      .slice(0, 20)
      .map((post) => post.id.slice("status-".length))
      .filter((id) => BigInt(id) > BigInt(live.dataset.newest))
      .join(",");

  const look = () => {
    const live = document.getElementById("live");
    if (!live || document.hidden) return;
    const address = `${live.dataset.live}?since_id=${live.dataset.newest}&have=${have(live)}&count=1`;
    htmx.ajax("GET", address, { target: "#live", swap: "innerHTML", source: live });
  };

  /** Several things at once are looked at once. */
  const soon = () => {
    clearTimeout(pending);
    pending = setTimeout(look, 400);
  };

  /** What was deleted goes. */
  const gone = (id) => {
    for (const post of document.querySelectorAll(`[data-status="${CSS.escape(id)}"]`)) {
      if (!post.closest(".focused")) post.remove();
    }
  };

  // Whether what is fetched just now, by its name, moved on meanwhile. An answer may be from before;
  // htmx would drop the second request with the element that the first one's answer replaces.
  const fetching = new Map();

  /** Fetch anew what stands in some elements, and once more when it moves on before that is there. */
  const renew = (name, found, address) => {
    if (fetching.has(name)) {
      fetching.set(name, true);
      return;
    }
    fetching.set(name, false);
    const asked = found().map((shown) =>
      htmx.ajax("GET", address(shown), { target: shown, swap: "outerHTML", source: shown }),
    );
    Promise.allSettled(asked).then(() => {
      const moved = fetching.get(name);
      fetching.delete(name);
      if (moved) renew(name, found, address);
    });
  };

  const notified = () =>
    renew(
      "unread",
      () => [...document.querySelectorAll("[data-unread]")],
      () => "/notifications/unread",
    );

  // Runs and amnesties a moderator looks at: <section data-follow="run:12" data-at="/admin/…">.
  const FOLLOW = 2000;
  const following = () => [...document.querySelectorAll("[data-follow]")];
  const waiting = new Map();

  const reload = (key) => {
    waiting.delete(key);
    if (document.hidden) return;
    renew(
      key,
      () => following().filter((shown) => shown.dataset.follow === key),
      (shown) => shown.dataset.at,
    );
  };

  /** Fetch whatever goes on yet. */
  const catchUp = () => {
    for (const shown of following()) if ("going" in shown.dataset) reload(shown.dataset.follow);
  };

  /** What goes on quickly is shown a few times a second. */
  const moved = (kind, id) => {
    const key = `${kind}:${id}`;
    if (!waiting.has(key)) waiting.set(key, setTimeout(() => reload(key), 200));
  };

  const listen = () => {
    const live = document.getElementById("live");
    const streams = [];
    if (live && live.dataset.stream) streams.push(live.dataset.stream);
    if ("signedIn" in document.body.dataset) streams.push("notifications");
    if (following().length) streams.push("moderation");
    if (!streams.length || !window.EventSource || events) return;
    events = new EventSource(`/events?${streams.map((name) => `stream=${name}`).join("&")}`);
    const heard = (event) => {
      if (event.type === "status") soon();
      else if (event.type === "delete") gone(JSON.parse(event.data).id);
      else if (event.type === "notification") notified();
      else moved(event.type, JSON.parse(event.data).id);
    };
    for (const name of ["status", "edit", "delete", "notification", "run", "amnesty"])
      events.addEventListener(name, heard);
    // What went on between the page and the first event, or while the connection was away.
    events.addEventListener("open", () => {
      catchUp();
      if (told) {
        soon();
        if ("signedIn" in document.body.dataset) notified();
      }
      told = true;
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) events = null; // asked for again at next poll
    });
  };

  const streaming = () => Boolean(events && events.readyState === EventSource.OPEN);

  listen();
  setInterval(() => {
    listen();
    if (streaming()) return;
    look();
    if ("signedIn" in document.body.dataset && !document.hidden) notified();
  }, POLL);
  // What goes on is asked for often while it cannot be told, and once when telling begins.
  setInterval(() => {
    if (!streaming()) catchUp();
  }, FOLLOW);
  // A page nobody looks at listens no longer: browsers allow few connections to one server.
  let leaving = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.hidden) {
      leaving = setTimeout(() => {
        if (events) events.close();
        events = null;
      }, POLL);
      return;
    }
    listen();
    look();
    catchUp();
  });
  window.addEventListener("pagehide", () => {
    if (events) events.close();
    events = null;
  });
  document.addEventListener("rostra:look", look);

  // Counts of what is in view move on quietly.
  const inView = () => {
    const found = new Map();
    for (const actions of document.querySelectorAll("[data-counts]")) {
      const box = actions.getBoundingClientRect();
      if (box.bottom > 0 && box.top < innerHeight) found.set(actions.dataset.counts, actions);
    }
    return found;
  };

  setInterval(async () => {
    const found = inView();
    if (document.hidden || !found.size) return;
    const ids = [...found.keys()].slice(0, 40).join(",");
    try {
      const answer = await fetch(`/counts?ids=${ids}`, { credentials: "same-origin" });
      if (!answer.ok) return;
      for (const [id, numbers] of Object.entries(await answer.json())) {
        const actions = found.get(id);
        if (!actions || actions.querySelector(".htmx-request")) continue;
        ["reply", "boost", "like"].forEach((kind, place) => {
          const shown = actions.querySelector(`.act.${kind} > [aria-hidden="true"]:not(.icon)`);
          if (shown && shown.textContent !== numbers[place]) shown.textContent = numbers[place];
        });
      }
    } catch {
      // Not reached: what is shown stays until the next time.
    }
  }, COUNTS);

  // Polls in view move on as well, those one may still vote in only when one has.
  const polls = () => {
    if (document.hidden) return;
    for (const poll of document.querySelectorAll("[data-poll]")) {
      const box = poll.getBoundingClientRect();
      if (poll.querySelector("form") || !poll.querySelector("time")) continue;
      if (box.bottom < 0 || box.top > innerHeight) continue;
      htmx.ajax("GET", `/statuses/${poll.dataset.poll}/poll`, { target: poll, swap: "outerHTML" });
    }
  };
  setInterval(polls, COUNTS);
  document.addEventListener("rostra:polls", polls);

  // A like shows at once; what the server says comes in its place, or everything is as before.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const button = event.detail.elt.querySelector && event.detail.elt.querySelector("button.act[aria-pressed]");
    if (!button || event.detail.elt.tagName !== "FORM") return;
    const before = button.getAttribute("aria-pressed");
    button.setAttribute("aria-pressed", before === "true" ? "false" : "true");
    const undo = () => button.setAttribute("aria-pressed", before);
    event.detail.xhr.addEventListener("loadend", () => {
      if (event.detail.xhr.status >= 400 || !event.detail.xhr.status) undo();
    });
  });

  // The end of a list is reached: the next page comes. Without scripts it is a link.
  document.addEventListener("click", (event) => {
    const bar = event.target.closest && event.target.closest("[data-show-new]");
    if (bar) bar.setAttribute("aria-busy", "true");
  });
})();
