"use strict";
(() => {
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#matrix tbody tr")];
  const count = document.getElementById("count");
  const fits = (row, input) => {
    if (input.type === "checkbox") return !input.checked || row.dataset.signed === "no";
    if (!input.value) return true;
    const named = row.dataset[input.name].split(" ");
    return named.includes(input.value) || named.includes("*");
  };
  const apply = () => {
    const inputs = [...form.querySelectorAll("select, input")];
    let shown = 0;
    for (const row of rows) {
      row.hidden = !inputs.every((input) => fits(row, input));
      if (!row.hidden) shown += 1;
    }
    count.textContent = `${shown} / ${rows.length}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
