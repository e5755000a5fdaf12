/* What htmx does not say by itself: whether the page is live, and that what a reader opened stays open.
   Runs before htmx does, or a stream that opens at once is missed and the page never says that it is live. */
"use strict";
(() => {
  const badge = document.getElementById("link");
  const show = (tone, shape, text) => {
    badge.className = `badge ${tone}`;
    badge.querySelector("use").setAttribute("href", `#m-${shape}`);
    badge.querySelector("span").textContent = text;
  };
  document.addEventListener("htmx:sse:after:connection", () => show("good", "tick", badge.dataset.live));
  document.addEventListener("htmx:sse:error", (event) => {
    show("watch", "triangle", badge.dataset.lost);
    // Signed out, here or in another window: the page itself says where to sign in.
    if (event.detail.status === 401) window.location.reload();
  });
  // The extension opens a stream again that broke, but not one that never opened.
  document.addEventListener("htmx:finally:request", ({ target }) => {
    if (target.id !== "stream" || target._htmx.sse) return;
    show("watch", "triangle", badge.dataset.lost);
    setTimeout(() => htmx.ajax("GET", target.getAttribute("hx-sse:connect"), { source: target }), 2000);
  });
  document.addEventListener("DOMContentLoaded", () =>
    htmx.registerExtension("keep-open", {
      htmx_before_morph_attr: (element, detail) => !(element.tagName === "DETAILS" && detail.attrName === "open"),
    }),
  );
})();
