pub mod deque;
