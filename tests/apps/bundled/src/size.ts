export enum Size {
  Small = "small",
  Large = "large",
}
