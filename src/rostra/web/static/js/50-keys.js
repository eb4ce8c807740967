// The keyboard: j and k from post to post, and one key for what one does most.
(() => {
  const posts = () => [...document.querySelectorAll("article.status, .note-item")];
  let current = null;
  let led = "";

  const here = () => {
    const focused = document.activeElement && document.activeElement.closest("article.status, .note-item");
    if (focused) return focused;
    return current && current.isConnected ? current : null;
  };

  const go = (element) => {
    if (!element) return;
    current = element;
    element.setAttribute("tabindex", "-1");
    element.focus({ preventScroll: true });
    rostra.scroll(element, "center");
  };

  const step = (by) => {
    const all = posts();
    const from = here();
    let place = all.indexOf(from) + by;
    if (!from) {
      place = all.findIndex((one) => one.getBoundingClientRect().bottom > 80);
      if (place < 0) place = 0;
    }
    go(all[Math.max(0, Math.min(all.length - 1, place))]);
  };

  const press = (selector) => {
    const post = here();
    const found = post && post.querySelector(selector);
    if (found) found.click();
  };

  const write = () => {
    const area = document.getElementById("compose-text");
    if (!area) return location.assign("/compose");
    area.focus();
    rostra.scroll(area, "center");
    return undefined;
  };

  const reply = () => {
    const post = here();
    if (!post) return write();
    if (post.closest(".focused")) return write();
    return press('[data-act="reply"]');
  };

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    Enter: () => press(".permalink, .note-status"),
    o: () => press(".permalink, .note-status"),
    n: write,
    r: reply,
    f: () => press('[data-act="like"]'),
    b: () => press('[data-act="boost"]'),
    d: () => press('[data-act="bookmark"]'),
    p: () => press(".status-avatar, .note-source"),
    x: () => press(".warning > summary, .veil > summary"),
    s: () => {
      const field = document.querySelector('input[type="search"]:not([hidden])');
      if (field && field.offsetParent) field.focus();
      else location.assign("/search");
    },
    "/": () => KEYS.s(),
    ".": () => {
      const bar = document.querySelector("[data-show-new]");
      if (bar) bar.click();
    },
    "?": () => {
      const help = document.getElementById("help");
      if (help && !help.open) help.showModal();
    },
  };
  const LED = { h: "/home", n: "/notifications", l: "/public", b: "/bookmarks", s: "/preferences" };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const on = event.target;
    if (on.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, dialog, [popover]:popover-open")) {
      if (event.key === "Escape" && on.matches("textarea")) on.blur();
      return;
    }
    if (event.key === "Enter" && !on.matches("article.status, .note-item")) return;
    if (led === "g" && LED[event.key]) {
      led = "";
      location.assign(LED[event.key]);
      return;
    }
    led = event.key === "g" ? "g" : "";
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[data-help]");
    if (!link) return;
    event.preventDefault();
    KEYS["?"]();
  });
})();
