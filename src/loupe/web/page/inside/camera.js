// The camera, where the browser allows it: nothing is sent before the button is pressed.
import { el } from "../dom.js";
import { Problem, showProblem } from "../server.js";

/** Show the camera; returns how to switch it off. */
export function showCamera(place, keep) {
  const video = el("video", {
    class: "camera",
    autoplay: true,
    muted: true,
    playsInline: true,
    "aria-label": "What the camera sees",
  });
  const take = el("button", { type: "button", disabled: true }, "Take the picture");
  let stream = null,
    isOff = false;
  place.append(
    video,
    el("div", { class: "tools" }, take),
    el("p", { class: "soft" }, "The middle square is taken. Nothing leaves this machine."),
  );
  navigator.mediaDevices
    .getUserMedia({ video: { facingMode: "environment" } })
    .then((given) => {
      if (isOff) {
        given.getTracks().forEach((track) => track.stop());
        return;
      }
      stream = given;
      video.addEventListener(
        "loadeddata",
        () => {
          take.disabled = false;
        },
        { once: true },
      );
      video.srcObject = given;
    })
    .catch((error) => {
      if (isOff) return; // another way is shown in its place
      place.replaceChildren(
        showProblem(
          new Problem({
            error: "There is no camera to see with.",
            got: error.name,
            next: "allow it in the browser, or upload a picture",
          }),
        ),
      );
    });
  take.addEventListener("click", () => {
    const side = Math.min(video.videoWidth, video.videoHeight),
      canvas = el("canvas", { width: side, height: side });
    canvas
      .getContext("2d")
      .drawImage(
        video,
        (video.videoWidth - side) / 2,
        (video.videoHeight - side) / 2,
        side,
        side,
        0,
        0,
        side,
        side,
      );
    canvas.toBlob((blob) => keep(blob, { fit: "resize" }), "image/png");
  });
  return () => {
    isOff = true;
    stream?.getTracks().forEach((track) => track.stop());
  };
}
