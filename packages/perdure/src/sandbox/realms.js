import { createRealm } from "./realm.ts";
export function createRealms(options) {
  const realm = createRealm(options);
  let inPlace = null;
  const placeOf = (handle) => (handle < 0 && inPlace ? inPlace : realm);
  return {
    create(code, run) {
      if ("code" in code) return realm.create(code.version, code.code, run);
      inPlace ??= code.createRealm(options);
      const place = inPlace;
      return code.load().then((workflow) => place.create(workflow, run));
    },
    setAnswered: (handle, ops) => placeOf(handle).setAnswered(handle, ops),
    drop: (handle) => placeOf(handle).drop(handle),
    deliver(deliveries, from) {
      if (!inPlace) return realm.deliver(deliveries, from);
      const isInPlace = (deliveries[from]?.handle ?? 0) < 0;
      if (isInPlace) return inPlace.deliver(deliveries, from);
      const next = deliveries.findIndex(({ handle }, index) => index > from && handle < 0);
      return realm.deliver(next < 0 ? deliveries : deliveries.slice(0, next), from);
    },
  };
}
