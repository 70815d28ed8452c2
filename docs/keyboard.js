// Tables and formulas that are wider than the page scroll by keyboard, too; each block of code has a name of its own for a reader.
addEventListener("load", () => {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, .notebook-output, .formula"))
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  document.querySelectorAll(".md-code__nav").forEach((nav, place) =>
    nav.setAttribute("aria-label", `code ${place + 1}`));
});
