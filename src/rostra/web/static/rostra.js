// What the pages do beyond htmx: count characters, close menus, and let notices go away.
"use strict";

(() => {
  const URL_CHARACTERS = 23;
  const URLS = /https?:\/\/[^\s]+/g;
  const REMOTE_MENTIONS = /@([A-Za-z0-9_]+)@[A-Za-z0-9.-]+\.[A-Za-z]+/g;
  const segments = window.Intl && Intl.Segmenter ? new Intl.Segmenter() : null;

  const length = (text) => {
    const counted = text
      .replace(URLS, "x".repeat(URL_CHARACTERS))
      .replace(REMOTE_MENTIONS, "@$1");
    return segments ? [...segments.segment(counted)].length : [...counted].length;
  };

  const count = (area) => {
    const output = area.form && area.form.querySelector(".compose-count");
    if (!output) return;
    const warning = area.form.elements.spoiler_text;
    const used = length(area.value) + (warning ? length(warning.value) : 0);
    const left = Number(area.dataset.limit) - used;
    output.value = String(left);
    output.classList.toggle("over", left < 0);
    area.setCustomValidity(left < 0 ? `Shorten this by ${-left} characters.` : "");
  };

  const countIn = (root) => root.querySelectorAll("textarea[data-limit]").forEach(count);

  document.addEventListener("input", (event) => {
    const form = event.target.closest && event.target.closest("form.compose");
    if (form) countIn(form);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest && event.target.closest("form.compose");
      if (form) form.requestSubmit();
    }
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  let timer = 0;
  document.addEventListener("htmx:afterSettle", (event) => {
    countIn(document);
    const notice = document.getElementById("notice");
    if (event.target === notice) {
      clearTimeout(timer);
      timer = setTimeout(() => notice.replaceChildren(), 8000);
    }
  });

  document.addEventListener("htmx:sendError", () => {
    const notice = document.getElementById("notice");
    const text = document.createElement("p");
    text.className = "notice";
    text.textContent = "The server cannot be reached. Check the connection and try again.";
    notice.replaceChildren(text);
  });

  countIn(document);
})();
