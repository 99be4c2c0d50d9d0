(() => {
  const faults = [];
  const all = [...document.body.querySelectorAll("*")];
  const name = (element) => `${element.tagName.toLowerCase()}${element.id && `#${element.id}`} "${element.textContent.trim().slice(0, 30)}"`;
  const width = document.documentElement.clientWidth;
  const isSeen = (element) => element.checkVisibility() && !element.closest(".visually-hidden");

  // Width: only tables and code may scroll sideways, and nothing else may be cut off or lie beside the page.
  if (document.documentElement.scrollWidth > width) faults.push("the page scrolls sideways");
  for (const element of all.filter(isSeen)) {
    const inside = element.parentElement.closest(".scroll, pre");
    const box = element.getBoundingClientRect();
    if (!inside && box.width > 0 && (box.left < -0.5 || box.right > width + 0.5)) faults.push(`${name(element)} is beside the page`);
    const isScroller = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible";
    if (isScroller && !element.matches(".scroll, pre")) faults.push(`${name(element)} scrolls or is cut off`);
    if (isScroller && element.tabIndex < 0) faults.push(`${name(element)} cannot be scrolled by keys`);
  }

  // Words in drawings cover no others.
  const words = [...document.querySelectorAll("svg text")].filter(isSeen);
  words.forEach((one, index) => {
    const a = one.getBoundingClientRect();
    for (const other of words.slice(index + 1)) {
      const b = other.getBoundingClientRect();
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) faults.push(`${name(one)} covers ${name(other)}`);
    }
  });

  // Contrast of words: 4.5 at least (WCAG 2.2, 1.4.3). What is disabled is exempt there.
  const colour = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { parts: [red, green, blue], alpha };
  };
  const luminance = ({ parts }) => {
    const [red, green, blue] = parts.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.alpha === 1) return found;
    }
    return colour("rgb(255, 255, 255)");
  };
  const hasWords = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const written = all.filter((element) => isSeen(element) && hasWords(element) && !element.closest(":disabled, noscript"));
  if (written.length < 10) faults.push(`only ${written.length} elements have words`);
  for (const element of written) {
    const style = getComputedStyle(element);
    const [light, dark] = [colour(element.closest("svg") ? style.fill : style.color), ground(element)].map(luminance).sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) faults.push(`${name(element)} has a contrast of ${ratio.toFixed(2)}`);
  }

  // For those who hear the page.
  if (!document.title.trim()) faults.push("no title");
  if (document.documentElement.lang !== "en") faults.push("no language");
  let level = 0;
  for (const heading of [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((one) => one.checkVisibility())) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1 || (level > 0 && next === 1)) faults.push(`${name(heading)} comes after a heading of level ${level}`);
    if (!heading.textContent.trim()) faults.push("an empty heading");
    level = next;
  }
  if (level === 0) faults.push("no heading");
  for (const image of document.images) if (!image.alt.trim()) faults.push(`${image.src.slice(0, 40)} has no words for it`);
  for (const drawing of document.querySelectorAll("svg, progress")) {
    if (!drawing.ariaLabel && drawing.ariaHidden !== "true") faults.push(`${name(drawing)} has no words for it`);
  }

  // For those who have no mouse, or are made ill by motion.
  for (const button of document.querySelectorAll("button")) {
    if (button.tabIndex < 0 || !button.textContent.trim()) faults.push(`${name(button)} cannot be found by keys`);
    const box = button.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) faults.push(`${name(button)} is too small to be hit`);
  }
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) faults.push("the browser was not told to avoid motion");
  for (const element of all) {
    const style = getComputedStyle(element);
    const isMoved = style.animationName !== "none" || style.transitionDuration.split(",").some((duration) => parseFloat(duration) > 0);
    if (isMoved) faults.push(`${name(element)} moves`);
  }
  return [...new Set(faults)];
})()
