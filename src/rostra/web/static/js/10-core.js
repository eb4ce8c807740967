// What the pages do beyond htmx, part by part; each page works without any of it.
"use strict";

const rostra = (() => {
  const words = JSON.parse(document.body.dataset.words || "{}");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;

  /** Say something at the foot of the page; it goes away by itself. */
  const say = (text) => {
    const notice = document.getElementById("notice");
    const line = document.createElement("p");
    line.className = "notice";
    line.textContent = text;
    notice.replaceChildren(line);
    clearTimeout(timer);
    timer = setTimeout(() => notice.replaceChildren(), 8000);
  };

  /** Run something for each element there is, and for each that comes. */
  const each = (selector, run) => {
    const all = (root) => {
      if (root.matches && root.matches(selector)) run(root);
      root.querySelectorAll(selector).forEach(run);
    };
    all(document);
    document.addEventListener("htmx:load", (event) => {
      if (event.detail.elt !== document.body) all(event.detail.elt);
    });
  };

  const scroll = (element, block) =>
    element.scrollIntoView({ block, behavior: calm.matches ? "auto" : "smooth" });

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

  return { words, calm, say, each, scroll, fill };
})();

(() => {
  const menus = () => document.querySelectorAll("details.menu[open]");

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("click", (event) => {
    for (const menu of menus()) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const link = event.target.closest && event.target.closest("a[data-copy]");
    if (link && navigator.clipboard) {
      event.preventDefault();
      navigator.clipboard.writeText(link.href).then(
        () => rostra.say(rostra.words.copied),
        () => location.assign(link.href),
      );
      const menu = link.closest("details.menu");
      if (menu) menu.open = false;
    }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const notice = document.getElementById("notice");
    if (event.target === notice && notice.firstElementChild) {
      const text = notice.textContent.trim();
      setTimeout(() => notice.textContent.trim() === text && notice.replaceChildren(), 8000);
    }
  });

  // What went wrong unforeseen must not take the place of what somebody was writing.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status < 400 || xhr.getResponseHeader("HX-Retarget")) return;
    event.detail.shouldSwap = false;
    rostra.say(rostra.words.broken);
  });

  document.addEventListener("htmx:sendError", () => rostra.say(rostra.words.offline));

  // The server has its own clock: ages move on as time passes here.
  const MINUTE = 60000;
  setInterval(() => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const age = Date.now() - Date.parse(time.dateTime);
      if (!time.title || !(age >= 0) || age >= 1440 * MINUTE) continue;
      if (age < MINUTE) time.textContent = rostra.words.now;
      else if (age < 60 * MINUTE)
        time.textContent = rostra.words.minutes.replace("%(minutes)s", Math.floor(age / MINUTE));
      else time.textContent = rostra.words.hours.replace("%(hours)s", Math.floor(age / (60 * MINUTE)));
    }
  }, MINUTE);
})();
