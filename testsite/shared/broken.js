// This script is broken on purpose: the shop has a page whose script throws.
const offers = undefined;
document.body.append(offers.map((offer) => offer.title).join(", "));
