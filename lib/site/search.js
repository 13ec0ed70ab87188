// Looks for every word that is typed: in the names first, then in the first lines, then in the texts of all pages.
const box = document.getElementById("query"), list = document.getElementById("found");
const place = (e, w) => e.n.toLowerCase() === w ? 0 : e.n.toLowerCase().startsWith(w) ? 1
  : e.n.toLowerCase().includes(w) ? 2 : e.d.toLowerCase().includes(w) ? 3 : e.t.includes(w) ? 4 : Infinity;
// The whole text that is typed counts before its words by themselves.
const score = (e, q, words) => Math.min(place(e, q), 5 + words.reduce((sum, w) => sum + place(e, w), 0));
function show() {
  const q = box.value.trim().toLowerCase().replace(/\s+/g, " "), words = q.split(" ");
  list.replaceChildren();
  if (q.length < 2) return;
  const hits = INDEX.map(e => [score(e, q, words), e]).filter(h => h[0] < Infinity).sort((a, b) => a[0] - b[0]);
  for (const [, e] of hits.slice(0, 30)) {
    const [item, link, text] = ["li", "a", "span"].map(name => document.createElement(name));
    link.href = e.u;
    link.textContent = e.n;
    text.textContent = " " + e.d;
    item.append(link, text);
    list.append(item);
  }
  if (!hits.length) list.textContent = "nothing found";
}
box.addEventListener("input", show);
box.addEventListener("keydown", e => {
  const first = list.querySelector("a");
  if (e.key === "Enter" && first) location.href = first.href;
});
show();
