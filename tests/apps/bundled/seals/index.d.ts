export declare function seal(text: string): Promise<string>;
