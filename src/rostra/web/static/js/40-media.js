// Pictures: blurred stand-ins, one large over the page, cut around the point that matters.
(() => {
  const DIGITS =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

  const number = (text) => [...text].reduce((sum, digit) => sum * 83 + DIGITS.indexOf(digit), 0);
  const linear = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const encoded = (value) => {
    const part = Math.max(0, Math.min(1, value));
    return 255 * (part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055);
  };
  const signed = (value, exponent) => Math.sign(value) * Math.abs(value) ** exponent;

  /** Draw a blurhash (https://github.com/woltapp/blurhash/blob/master/Algorithm.md). */
  const blur = (hash, width, height) => {
    const size = number(hash[0]);
    const across = (size % 9) + 1;
    const down = Math.floor(size / 9) + 1;
    if (hash.length !== 4 + 2 * across * down) return null;
    const largest = (number(hash[1]) + 1) / 166;
    const colours = [];
    for (let place = 0; place < across * down; place += 1) {
      if (place === 0) {
        const value = number(hash.slice(2, 6));
        colours.push([value >> 16, (value >> 8) & 255, value & 255].map(linear));
      } else {
        const value = number(hash.slice(4 + place * 2, 6 + place * 2));
        const parts = [Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19];
        colours.push(parts.map((part) => signed((part - 9) / 9, 2) * largest));
      }
    }
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.className = "blur";
    canvas.setAttribute("aria-hidden", "true");
    const paper = canvas.getContext("2d");
    const pixels = paper.createImageData(width, height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const sum = [0, 0, 0];
        for (let row = 0; row < down; row += 1) {
          for (let column = 0; column < across; column += 1) {
            const basis =
              Math.cos((Math.PI * x * column) / width) * Math.cos((Math.PI * y * row) / height);
            const colour = colours[column + row * across];
            for (let part = 0; part < 3; part += 1) sum[part] += colour[part] * basis;
          }
        }
        const at = 4 * (x + y * width);
        for (let part = 0; part < 3; part += 1) pixels.data[at + part] = encoded(sum[part]);
        pixels.data[at + 3] = 255;
      }
    }
    paper.putImageData(pixels, 0, 0);
    return canvas;
  };

  rostra.each("[data-blurhash]", (holder) => {
    const drawn = blur(holder.dataset.blurhash, 32, 32);
    if (drawn) (holder.querySelector(":scope > summary") || holder).prepend(drawn);
  });

  rostra.each("img[data-focus]", (picture) => {
    const [x, y] = picture.dataset.focus.split(",").map(Number);
    picture.style.objectPosition = `${50 + 50 * x}% ${50 - 50 * y}%`;
  });

  rostra.each("video[data-gif]", (film) => {
    if (rostra.calm.matches) return;
    new IntersectionObserver(([entry]) => {
      if (entry.isIntersecting) film.play().catch(() => {});
      else film.pause();
    }).observe(film);
  });

  // -- one picture, large -----------------------------------------------------------------------

  let shown = [];
  let at = 0;
  let box = null;

  const show = (place) => {
    at = (place + shown.length) % shown.length;
    const picture = box.querySelector("img");
    picture.src = shown[at].href;
    picture.alt = shown[at].dataset.alt || "";
    box.querySelector("figcaption").textContent = shown[at].dataset.alt || "";
    for (const button of box.querySelectorAll("[data-step]")) button.hidden = shown.length < 2;
  };

  const make = () => {
    box = document.createElement("dialog");
    box.className = "lightbox";
    const figure = document.createElement("figure");
    figure.append(document.createElement("img"), document.createElement("figcaption"));
    const button = (text, name, label) => {
      const one = document.createElement("button");
      one.type = "button";
      one.textContent = text;
      one.className = name;
      one.setAttribute("aria-label", label);
      box.append(one);
      return one;
    };
    box.append(figure);
    box.setAttribute("aria-label", rostra.words.picture);
    const before = button("‹", "lightbox-before", rostra.words.previous);
    const after = button("›", "lightbox-after", rostra.words.next);
    before.dataset.step = "-1";
    after.dataset.step = "1";
    button("✕", "lightbox-close", rostra.words.close);
    box.addEventListener("click", (event) => {
      const step = event.target.closest("[data-step]");
      if (step) show(at + Number(step.dataset.step));
      else if (event.target.tagName !== "IMG") box.close();
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight") show(at + 1);
      if (event.key === "ArrowLeft") show(at - 1);
    });
    document.body.append(box);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[data-lightbox]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!box) make();
    const around = link.closest(".media");
    shown = around ? [...around.querySelectorAll("a[data-lightbox]")] : [link];
    show(shown.indexOf(link));
    box.showModal();
  });
})();
