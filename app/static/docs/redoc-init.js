window.addEventListener("load", () => {
  const place = document.getElementById("redoc");
  Redoc.init(place.dataset.spec, { hideDownloadButton: false, nativeScrollbars: true }, place);
});
