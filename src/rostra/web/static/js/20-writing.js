// Writing: characters counted as the server does, drafts that survive a reload, files sent ahead.
(() => {
  const URL_CHARACTERS = 23;
  const URLS = /https?:\/\/[^\s]+/g;
  const REMOTE_MENTIONS = /@([A-Za-z0-9_]+)@[A-Za-z0-9.-]+\.[A-Za-z]+/g;
  const PREFIX = "rostra-draft:";
  const segments = window.Intl && Intl.Segmenter ? new Intl.Segmenter() : null;

  const length = (text) => {
    const counted = text
      .replace(URLS, "x".repeat(URL_CHARACTERS))
      .replace(REMOTE_MENTIONS, "@$1");
    return segments ? [...segments.segment(counted)].length : [...counted].length;
  };

  const count = (form) => {
    const area = form.elements.text;
    const output = form.querySelector(".compose-count");
    if (!area || !output) return;
    const warned = form.elements.with_warning && form.elements.with_warning.checked;
    const used = length(area.value) + (warned ? length(form.elements.spoiler_text.value) : 0);
    const left = Number(area.dataset.limit) - used;
    output.value = String(left);
    output.classList.toggle("over", left < 0);
    area.setCustomValidity(left < 0 ? rostra.fill(rostra.words.too_long, { number: -left }) : "");
  };

  // -- drafts -------------------------------------------------------------------------------------

  const KEPT = ["text", "spoiler_text", "visibility", "language", "expires_in"];
  const TICKED = ["with_poll", "with_warning", "multiple", "hide_totals"];

  const store = {
    get: (name) => {
      try {
        return JSON.parse(localStorage.getItem(PREFIX + name));
      } catch {
        return null;
      }
    },
    set: (name, value) => {
      try {
        if (value) localStorage.setItem(PREFIX + name, JSON.stringify(value));
        else localStorage.removeItem(PREFIX + name);
      } catch {
        // The browser keeps nothing, or has no room: there is no draft then.
      }
    },
  };

  const remember = (form) => {
    if ("sent" in form.dataset) return;
    const elements = form.elements;
    const draft = { options: [...form.querySelectorAll("[name=option]")].map((one) => one.value) };
    for (const name of KEPT) draft[name] = elements[name] ? elements[name].value : "";
    for (const name of TICKED) draft[name] = Boolean(elements[name] && elements[name].checked);
    const written = draft.text.trim() !== form.elements.text.defaultValue.trim();
    const asked = draft.with_poll && draft.options.some((option) => option.trim());
    store.set(form.dataset.draft, written || asked ? draft : null);
  };

  const restore = (form) => {
    const draft = store.get(form.dataset.draft);
    if (!draft || form.querySelector(".alert")) return;
    for (const name of KEPT) {
      const field = form.elements[name];
      if (field && draft[name]) field.value = draft[name];
    }
    for (const name of TICKED) {
      if (form.elements[name]) form.elements[name].checked = Boolean(draft[name]);
    }
    form.querySelectorAll("[name=option]").forEach((field, place) => {
      field.value = (draft.options && draft.options[place]) || field.value;
    });
  };

  // Sent: what was kept is done with, and the box that comes in its place is empty.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (!form || !form.matches("form.compose") || event.detail.xhr.status >= 400) return;
    form.dataset.sent = ""; // a field that goes while it has the focus says once more that it changed
    store.set(form.dataset.draft, null);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (form.matches("form.compose") && event.detail.successful) store.set(form.dataset.draft, null);
  });

  rostra.each("form.compose", (form) => {
    restore(form);
    count(form);
    const area = form.elements.text;
    area.setSelectionRange(area.value.length, area.value.length);
    form.addEventListener("input", () => {
      count(form);
      remember(form);
    });
    form.addEventListener("change", () => {
      count(form);
      remember(form);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    files(form);
  });

  // -- files --------------------------------------------------------------------------------------

  function files(form) {
    const field = form.querySelector(".compose-file");
    const shelf = form.querySelector(".compose-media");
    if (!field || !shelf) return;
    const take = (list) => [...list].forEach((file) => upload(form, shelf, file));
    field.addEventListener("change", () => {
      take(field.files);
      field.value = "";
    });
    form.addEventListener("paste", (event) => {
      const pasted = event.clipboardData ? [...event.clipboardData.files] : [];
      if (!pasted.length) return;
      event.preventDefault();
      take(pasted);
    });
    form.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      form.classList.add("dropping");
    });
    form.addEventListener("dragleave", () => form.classList.remove("dropping"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      take(event.dataTransfer.files);
    });
    form.addEventListener("click", (event) => {
      const picture = event.target.closest("[data-choose-focus]");
      if (picture) focusOn(picture, event);
      const button = event.target.closest("[data-detach]");
      if (!button) return;
      event.preventDefault();
      button.closest(".attached").remove();
      form.elements.text.focus();
    });
  }

  /** Keep the point of a picture that was pressed, told from -1 to 1, from the left and below. */
  function focusOn(picture, event) {
    const box = picture.getBoundingClientRect();
    const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
    const width = picture.naturalWidth * scale;
    const height = picture.naturalHeight * scale;
    const x = (event.clientX - box.left - box.width / 2) / (width / 2);
    const y = (box.top + box.height / 2 - event.clientY) / (height / 2);
    if (Math.abs(x) > 1 || Math.abs(y) > 1) return;
    const row = picture.closest(".attached");
    row.querySelector('[name^="focus-"]').value = `${x.toFixed(2)},${y.toFixed(2)}`;
    let point = row.querySelector(".focus-point");
    if (!point) {
      point = document.createElement("span");
      point.className = "focus-point";
      row.append(point);
    }
    const outer = row.getBoundingClientRect();
    point.style.left = `${event.clientX - outer.left}px`;
    point.style.top = `${event.clientY - outer.top}px`;
  }

  function upload(form, shelf, file) {
    const row = document.createElement("div");
    row.className = "attached uploading";
    const label = document.createElement("label");
    label.textContent = rostra.fill(rostra.words.uploading, { name: file.name });
    const bar = document.createElement("progress");
    bar.max = 100;
    label.append(bar);
    row.append(label);
    shelf.append(row);
    const body = new FormData();
    body.append("csrf", form.elements.csrf.value);
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
    });
    request.addEventListener("loadend", () => {
      if (request.status === 200) {
        const made = document.createElement("template");
        made.innerHTML = request.responseText;
        const fresh = made.content.firstElementChild;
        row.replaceWith(fresh);
        htmx.process(fresh);
        return;
      }
      row.remove();
      const made = document.createElement("template");
      made.innerHTML = request.responseText;
      const why = made.content.querySelector("[data-notice]");
      rostra.say(
        why ? why.textContent.trim() : rostra.fill(rostra.words.upload_failed, { name: file.name }),
      );
    });
    request.open("POST", "/compose/media");
    request.setRequestHeader("HX-Request", "true");
    request.send(body);
  }
})();
