// Passkeys: forms with data-passkey ask the browser for one and send what it answers.
"use strict";

(() => {
  const words = JSON.parse(document.body.dataset.words || "{}");
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const listed = (descriptors) =>
    (descriptors || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const asked = (options) => {
    const given = { ...options, challenge: bytes(options.challenge) };
    if (options.user) given.user = { ...options.user, id: bytes(options.user.id) };
    if (options.excludeCredentials) given.excludeCredentials = listed(options.excludeCredentials);
    if (options.allowCredentials) given.allowCredentials = listed(options.allowCredentials);
    return given;
  };

  const answered = (credential) => {
    const said = credential.response;
    const response = { clientDataJSON: text(said.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (said[name]) response[name] = text(said[name]);
    }
    if (said.getTransports) response.transports = said.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    });
  };

  const complain = (form, message) => {
    const place = form.querySelector("[data-passkey-error]");
    place.textContent = message;
    place.hidden = false;
  };

  const send = async (form) => {
    const reply = await fetch(form.dataset.options, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "HX-Request": "true" },
    });
    if (!reply.ok) {
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      throw Object.assign(new Error(), { told: page.body.textContent.trim() });
    }
    const publicKey = asked(await reply.json());
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
    form.elements.credential.value = answered(credential);
    if (form.elements.password) form.elements.password.value = "";
    form.submit();
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    form.querySelector("button").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form).catch((error) => {
        const lost = error instanceof TypeError ? words.offline : words.passkey;
        complain(form, error.told || lost);
      });
    });
  }
})();
