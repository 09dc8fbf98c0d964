"""What a reader would object to in the layout of a page, as a browser has laid it out."""

from playwright.async_api import Page

_FAULTS = """() => {
  const main = document.querySelector("main");
  const style = (element, pseudo) => getComputedStyle(element, pseudo);
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".unseen");
  const scrolls = (element) => ["auto", "scroll", "clip", "hidden"].includes(style(element).overflowX);
  const inScroller = (element) => {
    for (let each = element.parentElement; each; each = each.parentElement) if (scrolls(each)) return true;
    return false;
  };
  const said = (element) => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`;
  const aligned = (element) => style(element).textAlign.replace("start", "left");
  const faults = [];

  const end = main.getBoundingClientRect().right - parseFloat(style(main).paddingRight);
  for (const each of main.querySelectorAll("*")) {
    const box = each.getBoundingClientRect();
    if (box.width && shown(each) && !inScroller(each) && box.right > end + 1) {
      faults.push(`${said(each)} reaches out of the page`);
      break;
    }
  }

  for (const table of document.querySelectorAll("table.rows")) {
    if (!shown(table)) continue;
    const headings = [...table.tHead.rows[0].cells];
    const isWide = style(table).display === "table";
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, column) => {
        const heading = headings[column];
        if (cell.dataset.label !== heading.textContent.trim()) {
          faults.push(`${said(cell)} is labelled "${cell.dataset.label}" under "${heading.textContent.trim()}"`);
        }
        if (isWide && aligned(cell) !== aligned(heading)) {
          faults.push(`${said(cell)} does not align with its heading`);
        }
      });
    }
    for (const cell of isWide ? [] : table.querySelectorAll(":scope > tfoot td, :scope:not(.compact) > tbody td")) {
      const label = style(cell, "::before");
      const room = parseFloat(style(cell).paddingLeft);
      if (!cell.dataset.label || label.content === "none" || parseFloat(label.width) > room) {
        faults.push(`${said(cell)} has no label, or no room for it`);
      }
    }
  }
  for (const label of main.querySelectorAll("dt")) {
    if (!shown(label) || label.firstChild?.nodeType !== Node.TEXT_NODE) continue;
    for (const word of label.firstChild.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(label.firstChild, word.index);
      range.setEnd(label.firstChild, word.index + word[0].length);
      if (range.getClientRects().length > 1) faults.push(`${said(label)} breaks within a word`);
    }
  }

  for (const tile of main.querySelectorAll(".tiles li")) {
    const room = tile.getBoundingClientRect().right - parseFloat(style(tile).paddingRight);
    const number = tile.querySelector("a, strong").getBoundingClientRect();
    if (number.right > room + 1) faults.push(`${said(tile)} has no room for its number`);
  }
  return [...new Set(faults)];
}"""


async def layout_faults(page: Page) -> list[str]:
    """Return what reaches out of the page or its tile, broken labels, and cells not labelled or aligned as columns."""
    found: list[str] = await page.evaluate(_FAULTS)
    return found
