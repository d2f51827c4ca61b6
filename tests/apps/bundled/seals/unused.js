export const unused = () => {
  throw new Error("nothing of the application needs this");
};
