// The colours that the reader chose, before anything is drawn.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* a browser without storage shows what the system has */ }
