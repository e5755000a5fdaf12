// Says what is wrong with a campaign file while it is typed; without it, starting says the same.
"use strict";
(() => {
  const form = document.getElementById("start");
  const told = document.getElementById("told");
  let waits = 0;
  let latest = 0;
  const check = async () => {
    const mine = ++latest;
    const answer = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (mine === latest && answer.ok) told.innerHTML = await answer.text();
  };
  form.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(check, 400);
  });
  if (form.elements.spec.value) check();
})();
